"""The same work is done on the same data in every epoch.

## What it is
A `tf.data` pipeline reads, decodes or maps its elements again in each epoch. The result is the same each time, because
the stages draw no random numbers.

## Why it is slow
All epochs but the first pay for work whose result is already known.

## How it is detected
The pipeline's construction is recorded call by call. The graph of each mapped function is searched for random
operations. Work counts up to the first stage whose output differs from pass to pass. A trial on input that is ready
beforehand measures how long training waits for input. A wait below 5 % of the whole training is ignored.

Another trial adds a `cache`. It runs on a slice of the data, because filling a whole cache takes an epoch. The size of
the whole cache is projected from the slice, and the first epoch counts at today's cost. Two passes over the slice must
return the same elements, bit for bit. If this work fills a shuffle buffer before each epoch, that wait counts too.

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
Put the cache after the work, and before shuffling and random augmentation: those must differ in each epoch. If memory
can't hold it, `cache("a file")` keeps it on disk.

## Safety
Exact: a cache returns the elements that it was given. A cache after a shuffle or a random augmentation would repeat one
draw for ever, so none is suggested there.

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
from fitdoctor.facts.input.stalls import input_cost_with_epoch_starts, stall_cost, stalls_matter
from fitdoctor.facts.input.wait_evidence import wait_evidence
from fitdoctor.facts.locations import locations
from fitdoctor.wording import number

TITLE = "The same preprocessing runs again in every epoch"
REMEDIES = ("cached-input",)

# Work is repeated from the second pass on. The count of passes may be a little too low.
LEAST_PASSES = 1.5


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        point = cache_point(fit.record) if fit.record.input_kind == "tf.data" else None
        often = data_passes(fit)
        if point is None or often < LEAST_PASSES or not (facts.input_matters(fit) or stalls_matter(facts, fit)):
            continue
        waits, measured = input_cost_with_epoch_starts(facts, fit)
        repeated = 1 - 1 / often
        # Part of the wait may be for stages that no cache saves, and only a trial shows it. A buffer that is filled
        # with this work alone is the exception.
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
