"""A map works on one element at a time while cores are idle.

## What it is
`Dataset.map` or `Dataset.interleave` is called without `num_parallel_calls`, on a machine with more than one core, and
training waits for its input.

## Why it is slow
Without `num_parallel_calls`, one thread calls the function for one element after the other. With it, all cores work on
elements at once.

## How it is detected
The pipeline's construction is recorded call by call. Maps before a `cache` work in the first epoch only and do not
count. A trial on input that is ready beforehand measures how long training waits for input. A wait below 5 % of the
whole training is ignored. Another trial sets `num_parallel_calls` for all these stages. If the training itself needs
the cores, or the function runs Python under the interpreter lock, it gains nothing, and the report says so.

## Example
```python
dataset = dataset.map(decode).batch(64).prefetch(2)
model.fit(dataset, epochs=10)
```

## Use instead
```python
dataset = dataset.map(decode, num_parallel_calls=tf.data.AUTOTUNE).batch(64).prefetch(2)
model.fit(dataset, epochs=10)
```

## Safety
Exact: elements come in the same order, unless `deterministic=False` is set. Random numbers may go to other elements. A
trial compares the batches.

## Further reading
* [Parallel transformation](https://www.tensorflow.org/guide/data_performance#parallelizing_data_transformation)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.parallel_stages import serial_stages
from fitdoctor.facts.input.stalls import input_cost_with_epoch_starts, stalls_matter
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations

TITLE = "The pipeline maps one element at a time"
REMEDIES = ("parallel-map",)


def check(facts: Facts) -> Iterator[Finding]:
    cores = int(facts.scout.environment.get("cores", 1))
    for fit in facts.fits:
        stages = serial_stages(fit.record)
        if fit.record.input_kind != "tf.data" or not stages or cores < 2:
            continue
        cost, measured = input_cost_with_epoch_starts(facts, fit)
        if not (facts.input_matters(fit) or stalls_matter(facts, fit)):
            continue
        names = ", ".join(f"{step.name}({step.function.function if step.function else ''})" for step in stages)
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=measured,
            locations=locations(
                *(location(step.site) for step in stages if step.site),
                *(location(step.function) for step in stages if step.function),
            ),
            evidence=(
                Evidence(text=f"{names} has no num_parallel_calls, so it uses one of {cores} cores."),
                wait_evidence(facts, fit),
            ),
        )
