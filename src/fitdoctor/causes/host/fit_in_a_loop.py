"""`fit` is called again and again from one place.

## What it is
A loop calls `model.fit` for one epoch, one batch or one sample at a time: an agent that learns from each transition, a
loop over files, `for epoch in range(n): model.fit(…, epochs=1)`.

## Why it is slow
Each call makes a data adapter and an iterator, starts the input, sets up callbacks and a progress bar, and ends all of
that again. That takes some 50 to 100 ms, whether the call trains for an hour or on one row.

## How it is told
Calls are counted by the line that makes them. The set-up, the first step beyond an ordinary one, and the end of each
call are timed as they run. Ten or more calls are a loop, and three or more of the same model on the same data; it
counts from 5 % of the whole training on. Where each call is one step on one batch, a trial lets `fit` and
`train_on_batch` alternate while the script goes on. Where the same model is fitted on the same data each time, one fit
would do, and what it saves follows from what was timed.

## Example
```python
for x, y in batches:
    model.fit(x, y, epochs=1, verbose=0)
for epoch in range(100):
    model.fit(x_train, y_train, epochs=1)
    print(model.evaluate(x_test, y_test))
```

## Use instead
```python
for x, y in batches:
    model.train_on_batch(x, y)                                    # the same step, without fit around it
model.fit(x_train, y_train, epochs=100, callbacks=[PrintScore()])  # what stood between the calls is a callback's
```

## Safety
`train_on_batch` on the same batch is exact: the trial compares the weights. It prints no progress bar, and `fit` also
shuffles the rows within its one batch, which only rounding can show. One fit in place of many computes the same where
nothing between the calls changes the model or the data.

## Further reading
* [Model.train_on_batch](https://keras.io/api/models/model_training_apis/#train_on_batch-method)
* [Writing your own callbacks](https://keras.io/guides/writing_your_own_callbacks/)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit_calls import call_overhead_s
from fitdoctor.facts.locations import locations
from fitdoctor.facts.units import times
from fitdoctor.wording import duration, number, percent

TITLE = "fit is called in a loop"
REMEDIES = ("train-on-batch", "one-fit", "gathered-rows")

#: Fewer calls pay a second at most: folds of a cross-validation are no loop that is worth rewriting.
FEWEST_CALLS = 10
#: Unless one fit would do for all of them. Few calls are few samples: then the best estimate has to count, not only the
#: highest.
FEWEST_ALIKE = 3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        alike = record.models == 1 and record.data_objects == 1
        if record.calls < (FEWEST_ALIKE if alike else FEWEST_CALLS):
            continue
        each = call_overhead_s(fit)
        cost = times(each, record.calls - 1)
        least = cost if record.calls >= FEWEST_CALLS else replace(cost, high=cost.mid)
        if not facts.worthwhile(least):
            continue
        rows = (
            f" on {number(record.rows)} row{'s' if record.rows > 1 else ''}"
            if record.rows and record.one_batch_calls
            else ""
        )
        text = f"fit() is called {number(record.calls)} times{rows}; a call takes {duration(each.low)} or more beside its step."
        share = facts.share_of(cost.mid)
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=True,
            locations=locations(location(record.site)),
            evidence=(
                Evidence(text=text, value=each.low, unit="s"),
                Evidence(text=f"That is {percent(share)} of the whole training.", value=share),
            ),
            data={"cost_s": cost.mid},
        )
