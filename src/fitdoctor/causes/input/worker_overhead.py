"""The workers of a `PyDataset` or a `DataLoader` cost more than they save.

## What it is
`fit` gets a `keras.utils.PyDataset` with several workers or with `use_multiprocessing=True`, or a
`torch.utils.data.DataLoader` with `num_workers`. Making a batch takes little time, but training waits for batches.

## Why it is slow
Each batch goes through a queue and a pool. Between processes it is pickled, copied and unpickled as well, and the pool
starts again in every epoch. Threads that hold the interpreter lock also block Keras' own loop.

## How it is detected
The number of workers is read from the dataset when `fit` is called. A trial on batches that are ready beforehand
measures how long training waits for input. Another trial runs the same steps without workers. The time to end and start
processes between epochs is measured as well.

## Example
```python
class Rows(keras.utils.PyDataset):
    def __len__(self):
        return len(x) // 64

    def __getitem__(self, index):
        return x[index * 64 : (index + 1) * 64], y[index * 64 : (index + 1) * 64]

model.fit(Rows(workers=8, use_multiprocessing=True), epochs=20)
```

## Use instead
```python
model.fit(x, y, batch_size=64, epochs=20, shuffle=False)  # the batches are slices of arrays
model.fit(Rows(), epochs=20)
```

## Safety
Exact: a trial compares the batches and their order. The workers of a `DataLoader` draw their own random numbers.
Without them, random augmentations differ, and a shuffle uses other orders from the second epoch on.

## Further reading
* [keras.utils.PyDataset](https://keras.io/api/utils/python_utils/#pydataset-class)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.stalls import restart_cost, restart_evidence
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.input.workers import Workers, workers_of
from fitdoctor.facts.locations import locations
from fitdoctor.facts.units import total
from fitdoctor.wording import plural

TITLE = "The workers of the input cost more than they give"
REMEDIES = ("fewer-workers",)


def check(facts: Facts) -> Iterator[Finding]:
    cores = int(facts.scout.environment.get("cores", 1))
    for fit in facts.fits:
        workers = workers_of(fit.record)
        if workers is None or not workers.any:
            continue
        waits, started = facts.input_cost(fit)[0], _started(fit, workers, cores)
        if not (facts.input_matters(fit) or facts.worthwhile(started)):
            continue
        cost = total([waits, started])
        noun = "process" if workers.processes else "thread"
        text = (
            f"Batches come from {plural(workers.count, noun, noun + ('es' if workers.processes else 's'))}, through "
            "a queue."
        )
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(
                location(workers.site, workers.argument, workers.count) if workers.site else None,
                location(fit.record.site),
            ),
            measured=facts.share_of(started.low) >= WORTHWHILE_SHARE,
            data={"restarts_s": started.low},
            evidence=(
                Evidence(text=text, value=workers.count),
                wait_evidence(facts, fit),
                *([restart_evidence(fit)] if facts.worthwhile(started) else []),
            ),
        )


def _started(fit: FitFacts, workers: Workers, cores: int) -> Interval:
    """The cost of ending and starting processes. Processes that can persist belong to `first-batch-stall`."""
    if not workers.processes or workers.call in ("DataLoader", "grain"):
        return Interval(low=0.0, mid=0.0, high=0.0)
    return restart_cost(fit, workers.count, cores)
