"""Numbers are fed twice as wide as the model computes with, and cast in each step.

## What it is
The dataset gives float64, or integers of 64 bits, to a model that computes in float32.

## Why it is slow
Each batch is read, sliced, shuffled and copied at twice its size, and then cast in every step.

## How it is told
The element types of the input are recorded. Keras itself narrows float64 arrays once, before the first step; those of a
`tf.data` pipeline stay as they are. What waiting for input costs is measured by a trial on input that is there already;
a wait below 5 % of the whole training is no cause. Another trial casts the arrays once, before the training.

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
Numerics: maps of the pipeline compute in float32 from then on. Integers must fit into 32 bits.

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
            # At the most the half of the bytes, and with it of the wait: only a trial tells.
            cost_s=Interval(low=0.0, mid=waits.mid / 4, high=waits.high / 2),
            locations=locations(location(source.site) if source and source.site else None, location(fit.record.site)),
            evidence=(
                Evidence(text=f"{shown}; {NARROW[found[0].dtype]} has half the bytes."),
                wait_evidence(facts, fit),
            ),
        )
