"""An epoch passes over the data many times.

## What it is
`steps_per_epoch` or `validation_steps` is the number of samples, but Keras counts batches, and the data repeats without
end.

## Why it is slow
An epoch of 10,000 steps of 32 samples passes 32 times over 10,000 samples. Ten epochs become 320. Checkpoints and
learning-rate schedules come 32 times too late, and a validation pass scores every sample 32 times for the same score.

## How it is detected
The steps of an epoch are compared with the batches of one pass over the data, if a `tf.data` pipeline shows their
number. The cause is reported if the steps equal the number of samples instead of batches. An epoch of a few passes may
be intended, and is ignored.

## Example
```python
dataset = tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(32)
model.fit(dataset, steps_per_epoch=len(x), validation_data=held_out.repeat().batch(32), validation_steps=len(x_val))
```

## Use instead
```python
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(32)   # no repeat: Keras knows where an epoch ends
model.fit(dataset, validation_data=held_out.batch(32))
```

## Safety
Fewer validation steps give the same score, up to rounding and to the share of a last, smaller batch. They are tried.
Shorter training epochs are another training: only the validation score shows whether it is as good. They are only
projected.

## Further reading
* [Model.fit](https://keras.io/api/models/model_training_apis/#fit-method)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.data_passes import batches_in_data, batches_in_validation_data
from fitdoctor.facts.locations import locations
from fitdoctor.facts.units import times
from fitdoctor.wording import number

TITLE = "An epoch passes over the data many times"
REMEDIES = ("right-validation-length", "right-epoch-length")

# An epoch of a few passes is a choice. As many passes as a batch has rows are a mistake.
FEWEST_PASSES = 2.0
# How far the steps may differ from the number of samples: a batch was dropped, or a split was rounded.
TOLERANCE = 0.1


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        yield from _training(facts, fit)
        yield from _validation(facts, fit)


def _training(facts: Facts, fit: FitFacts) -> Iterator[Finding]:
    batches, steps = batches_in_data(fit.record), fit.steps_per_epoch
    if batches and fit.record.steps_basis == "declared" and _counts_samples(steps, batches, fit.record.batch_size):
        saved_s = fit.step_s * fit.steps("mid") * (1 - batches / steps)
        yield from _finding(
            facts, fit, "steps_per_epoch", steps, batches, Interval(low=saved_s, mid=saved_s, high=saved_s)
        )


def _validation(facts: Facts, fit: FitFacts) -> Iterator[Finding]:
    record, steps = fit.record, fit.validation_steps
    batches = batches_in_validation_data(record)
    if batches and fit.validates and _counts_samples(steps, batches, record.validation_batch_size):
        cost = times(fit.validation_pass, fit.validation_passes("mid") * (1 - batches / steps))
        yield from _finding(facts, fit, "validation_steps", steps, batches, cost)


def _counts_samples(steps: int, batches: int, size: int | None) -> bool:
    """Whether the steps equal the number of samples: as many passes as a batch has rows."""
    passes = steps / batches
    return size is not None and passes >= FEWEST_PASSES and abs(passes / size - 1) <= max(TOLERANCE, 1 / batches)


def _finding(facts: Facts, fit: FitFacts, argument: str, steps: int, batches: int, cost: Interval) -> Iterator[Finding]:
    if not facts.worthwhile(cost):
        return
    text = (
        f"{argument} is {number(steps)}, and the data has {number(batches)} batches: each sample is used "
        f"{steps / batches:.0f} times."
    )
    yield Finding(
        fit=fit.index,
        cost_s=cost,
        measured=True,
        locations=locations(location(fit.record.site, argument, steps)),
        evidence=(Evidence(text=text, value=steps / batches),),
        data={"argument": argument, "steps": steps, "batches": batches},
    )
