"""XLA compiles the step again for batches of other shapes.

## What it is
The model is compiled with `jit_compile=True`, and its batches differ in shape: sequences padded to the longest of each batch,
images of several sizes, ragged data.

## Why it is slow
XLA makes a program for each shape that it meets, which takes from half a second to minutes. TensorFlow's own graphs do not need
that: they run any shape.

## How it is told
Under XLA most steps take the same time, and some take ten times as long or more: these are the ones that compile. They are a
cause where the batches' shapes are not fixed, or where such steps go on after the beginning.

## Example
```python
dataset = dataset.padded_batch(32)                        # as long as the longest of each batch
model.compile(optimizer="adam", loss="mse", jit_compile=True)
```

## Use instead
```python
dataset = dataset.padded_batch(32, padded_shapes=([128], []))                   # one shape
dataset = dataset.bucket_by_sequence_length(length, [32, 64], [32, 32, 32], pad_to_bucket_boundary=True)   # or a few
model.compile(optimizer="adam", loss="mse", jit_compile=False)                  # or no XLA
```

## Safety
Without XLA the same mathematics is rounded otherwise. Padding to one length changes nothing where the model masks it, and much
where it does not. Neither is tried: each shape is compiled once, so that steps which are repeated in a trial would not show what
compiling them cost. XLA may still win over a long training whose shapes are few.

## Further reading
* [XLA: known issues, tensor shapes](https://www.tensorflow.org/xla/known_issues)
* [tf.data.Dataset.bucket_by_sequence_length](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#bucket_by_sequence_length)
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.places import locations
from fitdoctor.facts.wording import duration, number

TITLE = "XLA compiles the step again for other shapes"
REMEDIES: tuple[str, ...] = ()

#: A step that compiles takes at least this many times as long as one that does not, and no program compiles faster than this.
SLOWER = 10.0
LEAST_COMPILE_S = 0.1
#: One for the last, smaller batch of an epoch is nobody's fault.
FEWEST = 3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        samples = fit.record.step.samples_s
        if not fit.record.jit_compile or not samples or _is_of_one_shape(fit):
            continue
        usual_s = median(samples)
        # Where most steps compile, the median is one of them: the fastest one is what a step takes.
        usual_s = min(samples) if usual_s > SLOWER * min(samples) else usual_s
        slow = [took for took in samples if took > max(SLOWER * usual_s, LEAST_COMPILE_S)]
        each = fit.record.step.count / len(samples)
        seen_s = sum(took - usual_s for took in slow) * each
        # A shape that was met is not compiled again: the first epoch meets them all, as far as the scout saw it.
        most_s = seen_s * max(1.0, fit.steps_per_epoch / max(1, fit.record.step.count * fit.per_execution))
        cost = Interval(low=seen_s, mid=(seen_s * most_s) ** 0.5, high=most_s)
        if len(slow) * each < FEWEST or not facts.worthwhile(cost):
            continue
        text = (
            f"{number(len(slow) * each)} of {number(fit.record.step.count)} steps took {duration(sum(slow) / len(slow))}, "
            f"the others {duration(usual_s)}."
        )
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=True,
            locations=locations(
                location(fit.record.compile_site, "jit_compile", True) if fit.record.compile_site else None, location(fit.record.site)
            ),
            evidence=(Evidence(text=text, value=len(slow) * each),),
        )


def _is_of_one_shape(fit: FitFacts) -> bool:
    """Whether it is known that all batches have the same shape, but for how many rows they have."""
    shapes = [array.shape[1:] for array in fit.record.inputs]
    return bool(shapes) and all(size is not None for shape in shapes for size in shape)
