"""The step is compiled again for each new shape of its batches.

## What it is
The step is compiled for the shape of its batch, and batches differ in shape: sequences padded to the longest of each
batch, images of several sizes, ragged data. This concerns `jit_compile=True` on TensorFlow, `torch.compile` on PyTorch,
and every model on JAX.

## Why it is slow
XLA, or `torch.compile`, makes a program for each new shape, which takes from half a second to minutes. TensorFlow's own
graphs, and PyTorch without `torch.compile`, run any shape.

## How it is detected
JAX and `torch.compile` report each program that they make. TensorFlow does not. Under XLA most steps take about the
same time, and steps that take ten or more times as long are those that compile. The cause is reported from the third
one on: the smaller last batch of an epoch needs a program in any case. Calls of `train_on_batch` in a loop of the
script's own are judged by their times, on every backend.

## Example
```python
dataset = dataset.padded_batch(32)                        # to the longest of each batch
model.compile(optimizer="adam", loss="mse", jit_compile=True)
```

## Use instead
```python
dataset = dataset.padded_batch(32, padded_shapes=([128], []))                   # one shape
dataset = dataset.bucket_by_sequence_length(length, [32, 64], [32, 32, 32], pad_to_bucket_boundary=True)   # or a few
model.compile(optimizer="adam", loss="mse", jit_compile=False)                  # or no XLA
```

## Safety
Without XLA, the same mathematics is rounded differently. Padding to one length changes nothing if the model masks it,
and much if it does not. Neither is tried: each shape is compiled only once, so repeated steps in a trial would not show
the cost. XLA may still be faster in a long training with few shapes.

## Further reading
* [XLA: known issues, tensor shapes](https://www.tensorflow.org/xla/known_issues)
* [bucket_by_sequence_length](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#bucket_by_sequence_length)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.locations import locations
from fitdoctor.recording.model import Duration, Site
from fitdoctor.wording import duration, number

TITLE = "The step is compiled again for other shapes"
REMEDIES: tuple[str, ...] = ()

# A step that compiles takes at least this many times as long as one that does not. No program compiles in less than
# `LEAST_COMPILE_S`.
SLOWER = 10.0
LEAST_COMPILE_S = 0.1
# The last, smaller batch of an epoch needs a program in any case.
FEWEST = 3
# Backends that report each program that they make. Times are not needed there, and a late batch is not mistaken for a
# compilation.
REPORTING = frozenset({"jax", "torch"})
# Calls that run one batch each: a slow call among them compiles.
STEPWISE = frozenset({"train_on_batch", "test_on_batch", "predict_on_batch"})


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        guess = record.jit_compile and facts.backend not in REPORTING and not _is_of_one_shape(fit)
        found = _reported(fit) or (_compiling(record.function) if guess else None)
        if found is None:
            continue
        # Each shape is compiled once, and the first epoch has all of them. The scout may have run only a part of it.
        most_s = found.seconds * max(1.0, fit.steps_per_epoch / max(1, record.step.count * fit.per_execution))
        cost = Interval(low=found.seconds, mid=(found.seconds * most_s) ** 0.5, high=most_s)
        if facts.worthwhile(cost):
            yield _finding(
                found, cost, f"{number(record.step.count)} steps", record.compile_site, record.site, fit=fit.index
            )
    for loop in facts.loops:
        call = loop.record
        found = _compiling(call.run) if call.jit_compile and call.kind in STEPWISE else None
        if found is None:
            continue
        cost = Interval(low=found.seconds, mid=found.seconds, high=found.seconds)
        if facts.worthwhile(cost):
            text = f"{number(call.run.count)} calls of {call.kind}()"
            yield _finding(found, cost, text, call.compile_site, call.site, loop=loop.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiling:
    """The steps that compiled."""

    # How many they are.
    count: float
    # The seconds of one of them.
    each_s: float
    # The seconds of a usual step.
    usual_s: float
    # The seconds of all of them beyond usual steps.
    seconds: float
    # Whether the framework reported each program. Otherwise they are known by their times.
    reported: bool = False


def _reported(fit: FitFacts) -> _Compiling | None:
    """The programs that the framework reported, except the first."""
    took = fit.record.recompiled
    if took.count < FEWEST:
        return None
    each_s = took.total_s / took.count
    samples = fit.record.step.samples_s
    return _Compiling(
        count=took.count, each_s=each_s, usual_s=min(samples, default=0.0), seconds=took.total_s, reported=True
    )


def _compiling(took: Duration) -> _Compiling | None:
    """The steps that took far longer than the others, if there are more than a few."""
    samples = took.samples_s
    if not samples:
        return None
    usual_s = median(samples)
    # If most steps compile, the median is one of them. The fastest step is then a usual one.
    usual_s = min(samples) if usual_s > SLOWER * min(samples) else usual_s
    each = (took.count - (took.first_s > 0)) / len(samples)
    # A sample is the mean of so many steps, so a step that compiles stands out by that much less.
    slow_s = [usual_s + each * (step_s - usual_s) for step_s in samples]
    slow_s = [step_s for step_s in slow_s if step_s > max(SLOWER * usual_s, LEAST_COMPILE_S)]
    if len(slow_s) < FEWEST:
        return None
    each_s = sum(slow_s) / len(slow_s)
    return _Compiling(count=len(slow_s), each_s=each_s, usual_s=usual_s, seconds=sum(slow_s) - len(slow_s) * usual_s)


def _finding(
    found: _Compiling,
    cost: Interval,
    of: str,
    compiled: Site | None,
    site: Site,
    *,
    fit: int | None = None,
    loop: int | None = None,
) -> Finding:
    text = f"{number(found.count)} of {of} took {duration(found.each_s)}, the others {duration(found.usual_s)}."
    if found.reported:
        text = f"The step was compiled {number(found.count)} more times, {duration(found.each_s)} each. "
        text += f"Without compiling it takes {duration(found.usual_s)}."
    return Finding(
        fit=fit,
        loop=loop,
        cost_s=cost,
        measured=True,
        locations=locations(location(compiled, "jit_compile", True) if compiled else None, location(site)),
        evidence=(Evidence(text=text, value=found.count),),
    )


def _is_of_one_shape(fit: FitFacts) -> bool:
    """Whether all batches are known to have the same shape, except for their number of rows."""
    shapes = [array.shape[1:] for array in fit.record.inputs]
    return bool(shapes) and all(size is not None for shape in shapes for size in shape)
