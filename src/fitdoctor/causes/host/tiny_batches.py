"""The batch is far below what the machine can take in the same time.

## What it is
`fit` trains on batches of 16 samples or fewer, and a step of several times as many would hardly take longer.

## Why it is slow
Each step pays a fixed price for being launched, for the optimizer's update and for Python around it. Few samples a step
pay it often, and leave the wide units of the processor half empty.

## How it is told
By no figure of throughput alone: larger batches make an epoch faster and may need more of them. A few steps tell
whether larger batches give more samples a second at all. If so, the training is raced on them, with the learning rate
as it is and scaled along, from the same weights, to the validation loss that it reaches as it stands. Only a race that
is won makes this a measured cause. Of the usual 32 samples and a very short step, see `dispatch-bound-steps`: larger
batches are raced there.

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
Another training: fewer, steadier updates. The race compares what both come to on the same validation data. Where only
the launching of steps is dear, `steps_per_execution` takes most of that away and leaves the training as it is.

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

TITLE = "Batches are smaller than the machine would take"
REMEDIES = ("larger-batch",)

#: What a call of the train function was seen to cost on TensorFlow beside the computation: it shrinks with the number
#: of steps.
FIXED_S = 0.6e-3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        size, step_s = fit.record.batch_size, fit.bare_step_s
        if size is None or size > TINY or step_s <= 0 or not can_grow(fit.record) or not grown_sizes(fit):
            continue
        # Even where larger batches train as well by the sample, what they save is a share of the steps' time.
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
