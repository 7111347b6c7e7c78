"""The next batch is not made while the current step runs.

## What it is
The `tf.data` pipeline that `fit` gets has no `prefetch` at its end, after the last stage that maps, filters or batches
elements.

## Why it is slow
Without `prefetch`, a batch is made only when the step asks for it: input and computation take turns, and each waits for
the other. With it, the next batch is made while the current one is computed, and only the slower of the two counts.

## How it is detected
The pipeline's construction is recorded call by call. A trial on input that is ready beforehand measures how long
training waits for input. A wait below 5 % of the whole training is ignored. Another trial adds `prefetch(2)`. If input
and computation need the same cores, prefetching may gain nothing, and the report says so.

## Example
```python
dataset = dataset.map(decode).batch(64)
model.fit(dataset, epochs=10)
```

## Use instead
```python
dataset = dataset.map(decode).batch(64).prefetch(2)
model.fit(dataset, epochs=10)
```

## Safety
Exact: the same batches in the same order, at the price of a little memory. A trial compares the batches.

## Further reading
* [Prefetching](https://www.tensorflow.org/guide/data_performance#prefetching)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.pipeline import lacks_prefetch, user_chain
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations

TITLE = "Batches are made only when the step asks for them"
REMEDIES = ("prefetch",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.record.input_kind != "tf.data" or not lacks_prefetch(fit.record) or not facts.input_matters(fit):
            continue
        cost, measured = facts.input_cost(fit)
        last = user_chain(fit.record)[-1]
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=measured,
            locations=locations(location(last.site) if last.site else None, location(fit.record.site)),
            evidence=(
                Evidence(text=f"The pipeline ends in {last.name}() and has no prefetch()."),
                wait_evidence(facts, fit),
            ),
        )
