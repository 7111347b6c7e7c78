"""The model is built or compiled again in a loop, and traced each time.

## What it is
A cross-validation, a search over settings or a loop of experiments builds a model for each turn, or calls `compile`
again before each `fit`.

## Why it is slow
A new model has no compiled step, and neither has one that was compiled again. The first batch of each fit traces the
Python code of the model into a graph, and XLA, if it is on, compiles the graph. This takes a second or more, and ten
for large models. Old graphs often stay in memory, so memory grows as well.

## How it is detected
Different models, and calls of `compile`, are counted for each line that calls `fit`. The cost is the extra time of
their first steps. A new model is often right, because each fold needs fresh weights. Only the tracing can be avoided.

Models of different sizes are a search for the best size. Each of them has to be traced, so nothing is reported.

## Example
```python
for train, test in folds:
    model = build_model()
    model.compile(optimizer="adam", loss="mse")
    model.fit(x[train], y[train], epochs=3)
```

## Use instead
```python
model = build_model()
model.compile(optimizer="adam", loss="mse")
fresh = model.get_weights()
for train, test in folds:
    model.set_weights(fresh)                            # or weights from `build_model().get_weights()`, drawn again
    for variable in model.optimizer.variables:
        variable.assign(keras.ops.zeros_like(variable))  # moments and step count; keep the learning rate
    model.fit(x[train], y[train], epochs=3)
```

## Safety
Exact if the weights and the optimizer's state are restored, its learning rate included. A search over layer sizes needs
new models. A search over learning rates does not: `model.optimizer.learning_rate = rate`. There is no trial: only you
know which state has to be fresh in each turn. `keras.backend.clear_session()` between turns frees memory, but saves no
time.

## Further reading
* [Better performance with tf.function](https://www.tensorflow.org/guide/function)
* [clear_session](https://keras.io/api/utils/config_utils/#clear_session-function)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit_calls import retrace_s
from fitdoctor.facts.locations import locations
from fitdoctor.facts.units import times
from fitdoctor.wording import duration, number, percent, plural

TITLE = "The model is built or compiled again in a loop"
REMEDIES: tuple[str, ...] = ()

# Two fits of two models are two trainings, not a loop.
FEWEST = 3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        rebuilt = max(record.models, record.compiles)
        if rebuilt < FEWEST or fit.one_offs_paid < FEWEST or record.model_sizes > 1:
            continue
        each = retrace_s(fit)
        cost = times(each, fit.one_offs_paid - 1)
        if not facts.worthwhile(cost):
            continue
        what = (
            plural(record.models, "model")
            if record.models >= FEWEST
            else f"a model that was compiled {number(record.compiles)} times"
        )
        share = facts.share_of(cost.mid)
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=True,
            locations=locations(location(record.compile_site) if record.compile_site else None, location(record.site)),
            evidence=(
                Evidence(
                    text=f"fit() runs {number(record.calls)} times here, on {what}. Each first step takes "
                    f"{duration(each.mid)} more.",
                    value=each.mid,
                    unit="s",
                ),
                Evidence(text=f"Tracing again is {percent(share)} of the whole training.", value=share),
            ),
        )
