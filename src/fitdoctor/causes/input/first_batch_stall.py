"""Each epoch waits for its first batch, because the input begins anew.

## What it is
At the start of each epoch the pipeline is built again: files are opened, workers started, buffers filled. The first
step of each epoch takes far longer than the others. The same holds for a `torch.utils.data.DataLoader` with
`num_workers`, but without `persistent_workers=True`: its processes are ended after each epoch, and started for the
next. A generator, a `PyDataset` or a loader may itself open, read or shuffle something before its first batch.

## Why it is slow
Nothing is read ahead across the end of an epoch, so the device waits until the first batch is there. With many short
epochs that adds up.

## How it is told
The first step of each later epoch is timed apart from other steps; where it costs less than 5 % of the whole training
it is no cause. On JAX and PyTorch the wait for the batch itself is timed; on TensorFlow that is not seen, and of an
input that is made in Python it is suspected only. A trial lets the pipeline go on from one epoch to the next, and times
whole epochs: work that only moves from the start of an epoch into its steps is no saving. Where an epoch is too long to
be repeated, the wait is all that is known.

## Example
```python
model.fit(dataset.shuffle(10_000).batch(64), epochs=100)
```

## Use instead
```python
steps = math.ceil(samples / 64)
model.fit(dataset.shuffle(10_000).repeat().batch(64).prefetch(2), steps_per_epoch=steps, epochs=100)

loader = torch.utils.data.DataLoader(samples, batch_size=64, num_workers=4, persistent_workers=True)
model.fit(loader, epochs=100)

class Samples(keras.utils.PyDataset):
    def __init__(self, file):
        super().__init__()
        self.table = read(file)  # once, not in on_epoch_end or for the first batch of each epoch
```

## Safety
Exact where `repeat` stands behind `batch`. Behind a shuffle it stands before it: then the buffer for the next pass is
filled while this one ends, and a batch may hold the last samples of one pass and the first of the next. Workers that
are kept give the same batches, but a shuffle takes other orders from the second epoch on.

## Further reading
* [tf.data.Dataset.repeat](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#repeat)
* [Model training APIs](https://keras.io/api/models/model_training_apis/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.facts.input.stalls import first_waits_cost, restart_cost, restart_evidence, stall_cost, stall_evidence
from fitdoctor.facts.input.workers import Workers, workers_of
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations
from fitdoctor.wording import plural

TITLE = "Each epoch waits for its first batch"
REMEDIES = ("persistent-input",)
#: What makes each element slow makes a buffer slow to fill, and with it the first batch.
SYMPTOM_OF = (
    "python-in-pipeline",
    "repeated-preprocessing",
    "serial-map",
    "per-sample-map",
    "misordered-stages",
    "oversized-shuffle",
)
IN_PYTHON = ("generator", "pydataset", "dataloader", "grain")


def check(facts: Facts) -> Iterator[Finding]:
    cores = int(facts.scout.environment.get("cores", 1))
    for fit in facts.fits:
        chain = user_chain(fit.record)
        workers, measured = workers_of(fit.record), True
        if workers is not None and workers.restarted:
            cost, evidence = restart_cost(fit, workers.count, cores), [_started(workers), restart_evidence(fit)]
        elif fit.record.input_kind == "tf.data" and chain:
            cost, evidence = stall_cost(fit), [stall_evidence(fit)]
        elif fit.record.input_kind in IN_PYTHON:
            (cost, measured), evidence = (
                first_waits_cost(fit),
                [stall_evidence(fit), *costliest_line(fit, "the input's time", "input")],
            )
        else:
            continue
        if not facts.worthwhile(cost):
            continue
        made = [location(step.site) for step in chain[-1:] if step.site]
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=measured,
            locations=locations(*sampled_locations(fit, "input"), location(fit.record.site), *made),
            evidence=(
                *evidence,
                Evidence(text=f"It is waited for at the start of {plural(fit.later_epochs('mid'), 'later epoch')}."),
            ),
        )


def _started(workers: Workers) -> Evidence:
    shown = plural(workers.count, "worker process", "worker processes")
    return Evidence(text=f"The {workers.data} starts {shown} for each epoch anew.", value=workers.count)
