"""The input is twice as wide as the numbers that the model computes with.

## What it is
The dataset feeds float64 or 64-bit integers to a model that computes in float32.

## Why it is slow
Each batch is read, sliced, shuffled and copied at twice its size, and then cast in every step.

## How it is detected
The element types of the input are recorded. Float64 arrays do not count, because Keras narrows them once before the
first step. Elements of a `tf.data` pipeline keep their type. A trial on input that is ready beforehand measures how
long training waits for input. A wait below 5 % of the whole training is ignored. Another trial casts the arrays once,
before the training.

## Example
```python
x = np.random.rand(100_000, 1000)  # float64
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(256)
```

## Use instead
```python
x = np.random.rand(100_000, 1000).astype("float32")
dataset = tf.data.Dataset.from_tensor_slices((x, y)).batch(256)
```

## Safety
Numerics: the maps of the pipeline compute in float32 instead. Integers must fit into 32 bits.

## Further reading
* [numpy.ndarray.astype](https://numpy.org/doc/stable/reference/generated/numpy.ndarray.astype.html)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.containers import NARROW, array_source, wide_inputs
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations

TITLE = "The input is fed wider than the model computes"
REMEDIES = ("narrow-dtype",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        found = wide_inputs(fit.record)
        if not found or not facts.input_matters(fit):
            continue
        waits, _ = facts.input_cost(fit)
        source = array_source(fit.record)
        shown = ", ".join(f"{part.name} is {part.dtype}" for part in found)
        yield Finding(
            fit=fit.index,
            # At most half of the bytes, and so half of the wait, is saved. Only a trial shows how much.
            cost_s=Interval(low=0.0, mid=waits.mid / 4, high=waits.high / 2),
            locations=locations(location(source.site) if source and source.site else None, location(fit.record.site)),
            evidence=(
                Evidence(text=f"{shown}; {NARROW[found[0].dtype]} has half the bytes."),
                wait_evidence(facts, fit),
            ),
        )
