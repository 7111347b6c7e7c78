"""Training waits for a generator, `PyDataset` or loader that makes its batches in Python.

## What it is
`fit` gets a generator, a `keras.utils.PyDataset`, a `torch.utils.data.DataLoader` or an input of Grain. Making a batch
takes a visible part of the time of a step.

## Why it is slow
The generator runs in the training process, under the one interpreter lock that Keras' loop needs as well. Its batch is
not ready when the step asks for it, and the device waits.

## How it is detected
The kind of input is recorded when `fit` is called. A trial on batches that are ready beforehand measures how long
training waits for input. A wait below 5 % of the whole training is ignored. Samples of the stack name the costliest
lines. Another trial makes each batch once and feeds the kept batches. It is not run for a `DataLoader` or for Grain.

## Example
```python
def batches():
    while True:
        for start in range(0, len(table), 64):
            rows = slice(start, start + 64)
            yield np.stack([parse(row) for row in table[rows]]), labels[rows]

model.fit(batches(), steps_per_epoch=math.ceil(len(table) / 64), epochs=20)
```

## Use instead
```python
features = np.stack([parse(row) for row in table])  # once, before training
model.fit(features, labels, batch_size=64, epochs=20, shuffle=False)  # the same order as before
```
If the data does not fit into memory, use a `tf.data` pipeline, or a `PyDataset` with `workers=4`. Its threads help as
far as its code releases the lock (`fitdoctor explain idle-workers`).

## Safety
Exact, unless each epoch draws new numbers (shuffling, augmentation). The trial continues only if a generator starts
again with the same batches, or a `PyDataset` returns the same batches after `on_epoch_end`, and if making them once
does not take too long.

## Further reading
* [keras.utils.PyDataset](https://keras.io/api/utils/python_utils/#pydataset-class)
* [Better performance with the tf.data API](https://www.tensorflow.org/guide/data_performance)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Location, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.input.workers import Workers, workers_of
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations

TITLE = "Training waits for input that is made in Python"
REMEDIES = ("precomputed-input",)
NOUNS = {"generator": "generator", "pydataset": "PyDataset", "dataloader": "DataLoader", "grain": "Grain input"}


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        noun = NOUNS.get(fit.record.input_kind)
        if noun is None or not facts.input_matters(fit):
            continue
        cost, measured = facts.input_cost(fit)
        workers = workers_of(fit.record)
        noun = workers.data if workers is not None else noun
        where = "processes of its own" if workers is not None and workers.processes else "the training process"
        functions = [location(step.function) for step in fit.record.operations if step.function is not None]
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=measured,
            locations=locations(
                *sampled_locations(fit, "input"), *functions, *_made(workers), location(fit.record.site)
            ),
            evidence=(
                Evidence(text=f"The {noun} makes each batch in Python, in {where}."),
                wait_evidence(facts, fit),
                *costliest_line(fit, f"the {noun}'s time", "input"),
            ),
        )


def _made(workers: Workers | None) -> list[Location]:
    """Where a loader is created. None of the code that it runs may be the user's."""
    return (
        [location(workers.site)]
        if workers is not None and workers.call == "DataLoader" and workers.site is not None
        else []
    )
