"""The same work is done on the same data in every epoch.

## What it is
A `tf.data` pipeline reads, decodes or maps its elements anew in each epoch, and what comes out is the same each time:
the stages draw no random numbers.

## Why it is slow
All epochs but the first pay for work whose result was known already.

## How it is told
The construction of the pipeline is recorded, call by call, and the graph of each mapped function is searched for random
operations. The work counts up to the first stage that gives something else in each pass. What waiting for input costs
is measured by a trial on input that is there already; a wait below 5 % of the whole training is no cause. Another trial
puts a `cache` there: it runs on a slice of the data, as filling a whole cache takes an epoch. What the whole cache
would hold is projected from the slice, and the first epoch is counted at what it costs now. Two passes over the slice
must give the same elements bit for bit. A buffer of a shuffle that is filled with this work before the first batch of
each epoch is the same cost.

## Example
```python
dataset = tf.data.Dataset.from_tensor_slices((paths, labels))
dataset = dataset.shuffle(10_000).map(decode).batch(64).prefetch(2)
model.fit(dataset, epochs=20)
```

## Use instead
```python
dataset = tf.data.Dataset.from_tensor_slices((paths, labels))
dataset = dataset.map(decode).cache().shuffle(10_000).batch(64).prefetch(2)
model.fit(dataset, epochs=20)
```
Behind the work, before shuffling and random augmentation: those must stay new in each epoch. Where memory does not hold
it, `cache("a file")` keeps it on disk.

## Safety
Exact: a cache gives back what was put in. A cache behind a shuffle or a random augmentation would repeat one draw for
ever, so none is proposed there.

## Further reading
* [Caching](https://www.tensorflow.org/guide/data_performance#caching)
* [tf.data.Dataset.cache](https://www.tensorflow.org/api_docs/python/tf/data/Dataset#cache)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.caching import cache_point, fills_a_shuffle
from fitdoctor.facts.input.data_passes import data_passes
from fitdoctor.facts.input.stalls import input_and_stalls, stall_cost, stalls_matter
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations
from fitdoctor.wording import number

TITLE = "The same preprocessing runs again in every epoch"
REMEDIES = ("cached-input",)

#: From the second pass on, work is repeated; a pass may be counted a little short.
LEAST_PASSES = 1.5


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        point = cache_point(fit.record) if fit.record.input_kind == "tf.data" else None
        often = data_passes(fit)
        if point is None or often < LEAST_PASSES or not (facts.input_matters(fit) or stalls_matter(facts, fit)):
            continue
        waits, measured = input_and_stalls(facts, fit)
        repeated = 1 - 1 / often
        # Part of the wait may be for stages that no cache saves: only a trial tells, but for the filling of a buffer
        # with this work.
        surely_s = stall_cost(fit).low * repeated if fills_a_shuffle(fit.record, point) else 0.0
        cost = Interval(low=surely_s, mid=waits.mid * repeated, high=waits.high * repeated)
        if not facts.worthwhile(cost):
            continue
        names = ", ".join(f"{step.name}({step.function.function if step.function else ''})" for step in point.work)
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=measured,
            locations=locations(
                *(location(step.site) for step in point.work if step.site),
                *(location(step.function) for step in point.work if step.function),
            ),
            evidence=(
                Evidence(
                    text=f"{names} runs in each of {number(often)} passes over the data, and no cache keeps the result."
                ),
                wait_evidence(facts, fit),
            ),
        )
