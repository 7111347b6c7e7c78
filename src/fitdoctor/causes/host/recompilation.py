"""The step is compiled again for batches of other shapes.

## What it is
The step is compiled for the shape of its batch, and batches differ in shape: sequences padded to the longest of each
batch, images of several sizes, ragged data. So it is with `jit_compile=True` on TensorFlow, with `torch.compile` on
PyTorch, and on JAX always.

## Why it is slow
XLA, or `torch.compile`, makes a program for each shape that it meets, which takes from half a second to minutes.
TensorFlow's own graphs do not need that, nor does PyTorch as it is: they run any shape.

## How it is told
JAX and `torch.compile` tell of each program that they make. TensorFlow does not: under XLA most steps take the same
time, and some take ten times as long or more, and these are the ones that compile. They are a cause from the third one
on, as the smaller batch at the end of an epoch makes one more by nobody's fault. Calls of `train_on_batch` in a loop of
the script's own are looked at by their times on each backend.

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
Without XLA the same mathematics is rounded otherwise. Padding to one length changes nothing where the model masks it,
and much where it does not. Neither is tried: each shape is compiled once, so that steps which are repeated in a trial
would not show what compiling them cost. XLA may still win over a long training whose shapes are few.

## Further reading
* [XLA: known issues, tensor shapes](https://www.tensorflow.org/xla/known_issues)
*
  [tf.data.Dataset.bucket_by_sequence_length](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#bucket_by_sequence_length)
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

#: A step that compiles takes at least this many times as long as one that does not, and no program compiles faster than
#: this.
SLOWER = 10.0
LEAST_COMPILE_S = 0.1
#: One for the last, smaller batch of an epoch is nobody's fault.
FEWEST = 3
#: Backends that tell of each program that they make: there, times are not needed, and a batch that comes late is not
#: taken for one.
TELLING = frozenset({"jax", "torch"})
#: Calls that run one batch each, so that a slow one among them is one that compiles.
STEPWISE = frozenset({"train_on_batch", "test_on_batch", "predict_on_batch"})


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        guessed = record.jit_compile and facts.backend not in TELLING and not _is_of_one_shape(fit)
        found = _told(fit) or (_compiling(record.function) if guessed else None)
        if found is None:
            continue
        # A shape that was met is not compiled again: the first epoch meets them all, as far as the scout saw it.
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
    """The steps that took so long that they compiled: how many, what they took each, and all of them beyond usual ones.

    `told` says that the framework told of each program, so that nothing is guessed.
    """

    count: float
    each_s: float
    usual_s: float
    seconds: float
    told: bool = False


def _told(fit: FitFacts) -> _Compiling | None:
    """The programs that the framework itself told of, but for the first."""
    took = fit.record.recompiled
    if took.count < FEWEST:
        return None
    each_s = took.total_s / took.count
    samples = fit.record.step.samples_s
    return _Compiling(
        count=took.count, each_s=each_s, usual_s=min(samples, default=0.0), seconds=took.total_s, told=True
    )


def _compiling(took: Duration) -> _Compiling | None:
    """What stands out of the durations of steps, where that is more than a few of them."""
    samples = took.samples_s
    if not samples:
        return None
    usual_s = median(samples)
    # Where most steps compile, the median is one of them: the fastest one is what a step takes.
    usual_s = min(samples) if usual_s > SLOWER * min(samples) else usual_s
    each = (took.count - (took.first_s > 0)) / len(samples)
    # Of so many steps a sample is the mean: one that compiles stands out by that much less.
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
    if found.told:
        text = f"The step was compiled {number(found.count)} times more, {duration(found.each_s)} each; without that it takes "
        text += f"{duration(found.usual_s)}."
    return Finding(
        fit=fit,
        loop=loop,
        cost_s=cost,
        measured=True,
        locations=locations(location(compiled, "jit_compile", True) if compiled else None, location(site)),
        evidence=(Evidence(text=text, value=found.count),),
    )


def _is_of_one_shape(fit: FitFacts) -> bool:
    """Whether it is known that all batches have the same shape, but for how many rows they have."""
    shapes = [array.shape[1:] for array in fit.record.inputs]
    return bool(shapes) and all(size is not None for shape in shapes for size in shape)
