"""`predict` or `evaluate` is called again and again on a few rows.

## What it is
A loop calls `model.predict` (or `evaluate`) on one sample or a small batch at a time: an environment's step, a search,
a callback that scores samples one by one.

## Why it is slow
Each call sets up a data adapter, an iterator, callbacks and a progress bar before it computes anything, for one row as
for a thousand. With a small model the computation itself is a fraction of that.

## How it is told
Calls are counted by the line that makes them, and timed as they run. Twenty or more, on no more rows than one batch,
are a loop; it counts from 5 % of the whole training on. On up to eight batches they may be one, which only a trial
shows. A trial lets `predict` and `predict_on_batch` (or `evaluate` and `test_on_batch`) alternate while the script goes
on. One call on all rows is often faster still, but only you know whether the loop allows it.

## Example
```python
for state in states:
    action = model.predict(state[None], verbose=0).argmax()
```

## Use instead
```python
actions = model.predict(np.stack(states), batch_size=256, verbose=0).argmax(axis=1)  # all at once
action = model.predict_on_batch(state[None]).argmax()                               # or, where each depends on the last
```

## Safety
Exact: the same compiled function on the same rows. The trial compares the results, and gives the substitute up where
they differ.

## Further reading
* [What is the difference between predict and __call__](https://keras.io/getting_started/faq/)
* [Model.predict_on_batch](https://keras.io/api/models/model_training_apis/#predict_on_batch-method)
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.wording import duration, number, percent

TITLE = "Single rows are predicted in a loop"
REMEDIES = ("predict-on-batch", "batched-predict")

#: Fewer calls are not a loop that is worth rewriting: at some 50 ms each they cost a second.
FEWEST_CALLS = 20
#: What Keras takes for `batch_size` when none is given.
DEFAULT_BATCH_SIZE = 32
KINDS = ("predict", "evaluate")
#: What is around a call takes as long as some small batches: beyond that, it is the rows that take the time.
MOST_BATCHES = 8


def check(facts: Facts) -> Iterator[Finding]:
    for loop in facts.loops:
        record = loop.record
        calls = loop.calls("mid")
        if record.kind not in KINDS or calls < FEWEST_CALLS or record.rows is None:
            continue
        batches = ceil(record.rows / (record.batch_size or DEFAULT_BATCH_SIZE))
        if batches > MOST_BATCHES:
            continue
        cost = loop.cost()
        if batches > 1:  # how much of it is computation, only a trial tells
            cost = Interval(low=0.0, mid=cost.mid, high=cost.high)
        if not facts.worthwhile(cost):
            continue
        rows = "1 row" if record.rows == 1 else f"{record.rows} rows"
        text = f"{record.kind}() is called {number(calls)} times on {rows}, {duration(loop.unit_s)} a call."
        share = f"These calls are {percent(facts.share_of(cost.mid))} of the whole training."
        inside = loop.fit.record.site if loop.fit else None
        yield Finding(
            loop=loop.index,
            cost_s=cost,
            measured=batches <= 1,
            locations=locations(location(record.site), location(inside) if inside else None),
            evidence=(
                Evidence(text=text, value=loop.unit_s, unit="s"),
                Evidence(text=share, value=facts.share_of(cost.mid)),
            ),
        )
