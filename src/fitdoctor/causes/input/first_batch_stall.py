"""Each epoch waits for its first batch, because the input starts again.

## What it is
At the start of each epoch the pipeline is built again: files are opened, workers are started, buffers are filled. The
first step of each epoch takes far longer than the others. A `torch.utils.data.DataLoader` with `num_workers` but
without `persistent_workers=True` behaves the same: its processes end after each epoch and start again for the next. A
generator, a `PyDataset` or a loader may also open, read or shuffle something before its first batch.

## Why it is slow
Nothing is read ahead across the end of an epoch, so the device waits for the first batch. With many short epochs these
waits add up.

## How it is detected
The first step of each later epoch is timed separately. If these steps take less than 5 % of the whole training, nothing
is reported. On JAX and PyTorch the wait for the batch itself is timed. TensorFlow does not show that wait, so for an
input made in Python the cause is only suspected there. A trial keeps the pipeline running from one epoch to the next
and times whole epochs: work that only moves from the start of an epoch into its steps saves nothing. If an epoch is too
long to repeat, there is no trial.

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
Exact if `repeat` comes after `batch`. In a pipeline with a shuffle it comes before `batch`: the buffer for the next
pass is filled while this pass ends, and one batch may hold samples of two passes. Persistent workers return the same
batches, but a shuffle uses other orders from the second epoch on.

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
# These causes make each element slow, so they also delay the buffer and the first batch.
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
                Evidence(
                    text=f"Training waits for it at the start of {plural(fit.later_epochs('mid'), 'later epoch')}."
                ),
            ),
        )


def _started(workers: Workers) -> Evidence:
    shown = plural(workers.count, "worker process", "worker processes")
    return Evidence(text=f"The {workers.data} starts {shown} again for each epoch.", value=workers.count)
