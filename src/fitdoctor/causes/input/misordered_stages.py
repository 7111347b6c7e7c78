"""A stage of the pipeline stands where it wastes or delays the work of others.

## What it is
The stages of a `tf.data` pipeline are right, but their order is not: `shard` or `skip` after a map, a `shuffle` of
decoded elements, an endless `repeat` before a `cache`.

## Why it is slow
* `shard` after a map drops elements that were mapped already: with four shards, three quarters of the work is wasted.
* `skip` after a map maps elements only to skip them, at the start of each epoch.
* `shuffle` after a map waits, at the start of each epoch, until its buffer is full of mapped elements.
* A `cache` after an endless `repeat` never sees the end of the data. It grows and is never read.

## How it is detected
The pipeline's construction is recorded call by call. Orders that cost no time are ignored. A trial measures how long
training waits for input, and the first steps of epochs are timed. If both stay below 5 % of the whole training, nothing
is reported. Another trial moves the stage. If the stage delays the start of epochs, the trial times whole epochs: work
that only moves into the steps saves nothing.

## Example
```python
dataset = dataset.map(decode).shuffle(10_000).batch(64)
part = dataset.map(decode).shard(4, index)
```

## Use instead
```python
dataset = dataset.shuffle(10_000).map(decode).batch(64)
part = dataset.shard(4, index).map(decode)
```

## Safety
Exact: the same elements come out. A stage is only moved across maps that return one element for each and draw no random
numbers. A seeded shuffle gives the same order on either side of them. A trial compares the batches.

## Further reading
* [Better performance with the tf.data API](https://www.tensorflow.org/guide/data_performance)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.input.stage_order import Misplaced, misplaced
from fitdoctor.facts.input.stalls import stall_cost, stall_evidence
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations

TITLE = "The stages of the pipeline stand in a costly order"
REMEDIES = ("reordered-stages",)

WHY = {
    "shard": "drops elements that {work} has worked on already",
    "skip": "drops elements that {work} has worked on already, at the start of each epoch",
    "shuffle": "fills its buffer with the results of {work} before the first batch of each epoch",
    "repeat": "has no end, so the cache after it is never full and {work} runs in each epoch",
}


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.record.input_kind != "tf.data":
            continue
        for found in misplaced(fit.record):
            cost = _cost(facts, fit, found)
            if not facts.worthwhile(cost):
                continue
            name = f"{found.work.name}({found.work.function.function if found.work.function else ''})"
            text = f"{found.stage.name}() {WHY[found.stage.name].format(work=name)}."
            yield Finding(
                fit=fit.index,
                cost_s=cost,
                locations=locations(
                    *(location(step.site) for step in (found.stage, found.work) if step.site), location(fit.record.site)
                ),
                evidence=(
                    Evidence(text=text),
                    wait_evidence(facts, fit) if found.unit == "step" else stall_evidence(fit),
                ),
                data={"stage": found.stage.position},
            )


def _cost(facts: Facts, fit: FitFacts, found: Misplaced) -> Interval:
    if found.unit == "epoch":
        stall = stall_cost(fit)
        return Interval(low=0.0, mid=stall.mid, high=stall.high)
    waits, _ = facts.input_cost(fit)
    return Interval(low=0.0, mid=waits.mid * found.wasted, high=waits.high * found.wasted)
