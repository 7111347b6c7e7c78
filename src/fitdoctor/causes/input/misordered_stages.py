"""A stage of the pipeline stands where it makes others do work that is thrown away or waited for.

## What it is
The stages of a `tf.data` pipeline are all right, and their order is not: `shard` or `skip` behind a map, a `shuffle`
that is filled with decoded elements, an endless `repeat` before a `cache`.

## Why it is slow
* `shard` behind a map drops elements that were mapped already: with four shards, three quarters of the work is wasted.
* `skip` behind a map maps all that is skipped, at the start of each epoch.
* `shuffle` behind a map waits, at the start of each epoch, until its buffer is full of mapped elements.
* A `cache` behind an endless `repeat` never comes to an end of the data, so it grows and is never read.

## How it is told
The construction of the pipeline is recorded, call by call. Orders that cost no time are left alone. What waiting for
input costs is measured by a trial, what the first step of an epoch costs is timed; below 5 % of the whole training it
is no cause. Another trial moves the stage; where it is about the start of epochs, it times whole ones, as work that
only moves into the steps is no saving.

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
Exact: the same elements come out. A stage is only moved across maps that give one element for each and draw no random
numbers; a seeded shuffle gives the same order on either side of them. A trial compares the batches.

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
    "shuffle": "fills its buffer with what {work} made before the first batch of each epoch",
    "repeat": "has no end, so the cache behind it is never full and {work} goes on in each epoch",
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
