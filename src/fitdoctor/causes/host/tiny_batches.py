"""Batches are far smaller than the machine can compute in the same time.

## What it is
`fit` trains on batches of 16 samples or fewer. A step with several times as many samples would hardly take longer.

## Why it is slow
Each step pays a fixed price for its launch, for the optimizer's update and for Python around it. Small batches pay it
often, and leave the wide units of the processor half empty.

## How it is detected
Throughput alone does not decide: larger batches make an epoch faster, but may need more epochs. A few steps show
whether larger batches process more samples a second at all. If so, the training is raced on them, with the same and
with a scaled learning rate, from the same weights, to the validation loss that the unchanged training reaches. The
cause counts as measured only if a race is won. Batches of 32 samples with a very short step belong to
`dispatch-bound-steps`, which races larger batches too.

## Example
```python
model.compile("adam", "mse")
model.fit(x, y, batch_size=1, epochs=3)
```

## Use instead
```python
model.compile(keras.optimizers.Adam(learning_rate=0.004), "mse")
model.fit(x, y, batch_size=16, epochs=3)
```

## Safety
Another training: fewer, steadier updates. The race compares both on the same validation data. If only the launch of
steps is expensive, `steps_per_execution` removes most of that cost and leaves the training as it is.

## Further reading
* [Measuring the effects of data parallelism on neural network training](https://arxiv.org/abs/1811.03600)
* [How SGD and Adam should be scaled with the batch](https://arxiv.org/abs/2205.10287)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.batches import LEAST_GROWTH, TINY, can_grow, grown_sizes
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.facts.locations import locations
from fitdoctor.report.model import Location
from fitdoctor.wording import duration, number, plural

TITLE = "Batches are smaller than the machine can use"
REMEDIES = ("larger-batch",)

# Measured cost of a call of the train function on TensorFlow beside the computation. Fewer steps pay it less often.
FIXED_S = 0.6e-3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        size, step_s = fit.record.batch_size, fit.bare_step_s
        if size is None or size > TINY or step_s <= 0 or not can_grow(fit.record) or not grown_sizes(fit):
            continue
        # Even if larger batches learn as much from each sample, they save only a share of the steps' time.
        gone, steps = 1 - 1 / LEAST_GROWTH, fit.steps("mid")
        cost = Interval(low=0.0, mid=min(FIXED_S, step_s) * gone * steps, high=step_s * steps)
        if not facts.worthwhile(cost):
            continue
        text = f"Each of {number(steps)} steps trains on {plural(size, 'sample')} and takes {duration(step_s)}."
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(_written(fit), location(fit.record.site)),
            evidence=(Evidence(text=text, value=size),),
        )


def _written(fit: FitFacts) -> Location | None:
    """Where the size of the batch is written: in the pipeline, or in the call of fit."""
    if fit.record.input_kind != "tf.data":
        return location(fit.record.site, "batch_size", fit.record.batch_size)
    site = next((step.site for step in reversed(user_chain(fit.record)) if step.name == "batch"), None)
    return location(site) if site else None
