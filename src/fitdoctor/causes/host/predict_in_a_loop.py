"""`predict` or `evaluate` is called many times on a few rows.

## What it is
A loop calls `model.predict` (or `evaluate`) on one sample or a small batch at a time: in an environment's step, in a
search, or in a callback that scores samples one by one.

## Why it is slow
Each call sets up a data adapter, an iterator, callbacks and a progress bar before it computes anything, for one row as
for a thousand. With a small model, the computation is only a fraction of the call.

## How it is detected
Calls are counted for each line that makes them, and timed. Twenty or more calls with at most one batch of rows are a
loop. It is reported from 5 % of the whole training on. With up to eight batches it is suspected, and only a trial
decides. The trial alternates between `predict` and `predict_on_batch` (or `evaluate` and `test_on_batch`) while the
script runs. One call on all rows is often faster still, but only you know whether the loop allows it.

## Example
```python
for state in states:
    action = model.predict(state[None], verbose=0).argmax()
```

## Use instead
```python
actions = model.predict(np.stack(states), batch_size=256, verbose=0).argmax(axis=1)  # all at once
action = model.predict_on_batch(state[None]).argmax()                               # or, if each depends on the last
```

## Safety
Exact: the same compiled function runs on the same rows. The trial compares the results, and gives up if they differ.

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
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.wording import duration, number, percent

TITLE = "Single rows are predicted in a loop"
REMEDIES = ("predict-on-batch", "batched-predict")

# Fewer calls are not worth rewriting: at some 50 ms each they cost a second.
FEWEST_CALLS = 20
KINDS = ("predict", "evaluate")
# The overhead of a call equals some small batches. Beyond that, the rows take the time.
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
        if batches > 1:  # only a trial shows how much of it is computation
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
