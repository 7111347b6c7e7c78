"""`fit` is called many times from one place.

## What it is
A loop calls `model.fit` for one epoch, one batch or one sample at a time: an agent that learns from each transition, a
loop over files, `for epoch in range(n): model.fit(…, epochs=1)`.

## Why it is slow
Each call makes a data adapter and an iterator, starts the input, and sets up callbacks and a progress bar. At its end
it closes all of them. This takes some 50 to 100 ms, whether the call trains for an hour or on one row.

## How it is detected
Calls are counted for each line that makes them. Three times are measured: the set-up, the extra time of the first step,
and the end of each call. Ten or more calls are a loop. Three are enough if they fit the same model on the same data. A
loop is reported from 5 % of the whole training on. If each call makes one step on one batch, a trial alternates between
`fit` and `train_on_batch` while the script runs. If the same model is fitted on the same data each time, one fit can
replace all calls, and its saving follows from the measured times.

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
model.fit(x_train, y_train, epochs=100, callbacks=[PrintScore()])  # the code between the calls becomes a callback
```

## Safety
`train_on_batch` on the same batch is exact: the trial compares the weights. It prints no progress bar. `fit` also
shuffles the rows of its one batch, which changes nothing but rounding. One fit computes the same as many if the code
between the calls changes neither the model nor the data.

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

# Fewer calls cost a second at most: the folds of a cross-validation are not worth rewriting.
FEWEST_CALLS = 10
# Fewer calls count if one fit could replace them. Few calls are few samples, so the best estimate decides there, not
# the highest.
FEWEST_SAME = 3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        same_inputs = record.models == 1 and record.data_objects == 1
        if record.calls < (FEWEST_SAME if same_inputs else FEWEST_CALLS):
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
        text = (
            f"fit() is called {number(record.calls)} times{rows}; each call takes {duration(each.low)} or more "
            "beside its step."
        )
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
