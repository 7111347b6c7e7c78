"""`train_on_batch` is called many times on a few rows.

## What it is
A loop of the script's own calls `model.train_on_batch` (or `test_on_batch`) on one sample, or a few samples, at a time.

## Why it is slow
A call takes about a millisecond beside its computation: arguments are checked, the compiled function is
launched, the metrics are reset and read back. One row costs as much as a whole batch.

## How it is detected
Calls are counted for each line that makes them, with the rows of the first call. A trial makes the same call with the
rows repeated to an ordinary batch of 32. The lower cost of a row there is the most that larger pieces can save.

## Example
```python
for sample, label in zip(x, y):
    model.train_on_batch(sample[None], label[None])
```

## Use instead
```python
model.fit(x, y, batch_size=32)          # or, if the loop must stay:
for start in range(0, len(x), 32):
    model.train_on_batch(x[start : start + 32], y[start : start + 32])
```

## Safety
Larger pieces are another training: one update on 32 rows instead of 32 updates. The learning rate may have to grow with
them, and only a race to the same validation score shows the gain. For `test_on_batch` the scores stay the same.

## Further reading
* [Model.train_on_batch](https://keras.io/api/models/model_training_apis/#train_on_batch-method)
* [Training and evaluation with the built-in methods](https://keras.io/guides/training_with_built_in_methods/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.call_site import CallSiteFacts
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.wording import duration, number, plural

TITLE = "The training loop feeds a few rows at a time"
REMEDIES: tuple[str, ...] = ()

# At some 2 ms each, fewer calls take less than a second.
FEWEST_CALLS = 200


def check(facts: Facts) -> Iterator[Finding]:
    for loop in facts.loops:
        record = loop.record
        calls = loop.calls("mid")
        if not loop.has_few_rows or calls < FEWEST_CALLS:
            continue
        cost, measured = _cost(facts, loop)
        if not facts.worthwhile(cost):
            continue
        rows = plural(record.rows or 0, "row")
        evidence = [
            Evidence(
                text=f"{record.kind}() is called {number(calls)} times on {rows}, {duration(loop.unit_s)} a call.",
                value=loop.unit_s,
                unit="s",
            )
        ]
        ratio = facts.measured.gathered.get(loop.index)
        if ratio is not None:
            evidence.append(Evidence(text=f"In batches of 32 a row takes {ratio.mid:.1f}× less.", value=ratio.mid))
        yield Finding(
            loop=loop.index,
            cost_s=cost,
            measured=measured,
            locations=locations(location(record.site)),
            evidence=tuple(evidence),
        )


def _cost(facts: Facts, loop: CallSiteFacts) -> tuple[Interval, bool]:
    """The saving of ordinary batches with the same rows, and whether a trial measured it."""
    ratio, whole = facts.measured.gathered.get(loop.index), loop.cost()
    if ratio is None:
        return Interval(low=0.0, mid=whole.mid / 2, high=whole.high), False
    low, mid, high = (max(0.0, 1 - 1 / end) if end > 0 else 0.0 for end in (ratio.low, ratio.mid, ratio.high))
    return Interval(low=whole.low * low, mid=whole.mid * mid, high=whole.high * high), True
