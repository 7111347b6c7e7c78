"""A step is so short that its launch is a visible part of it.

## What it is
The model computes a batch in a few milliseconds or less. For each batch, control passes from Keras' loop to TensorFlow
and back.

## Why it is slow
Each call of the train function has a fixed cost, whatever it computes: Python, the launch, fetching the metrics for the
logs, callbacks. With a small model, this is most of a step.

## How it is detected
Compiled steps below 5 ms with `steps_per_execution=1` are suspected. Before trials, the fixed cost is estimated as
0.3–1 ms. Trials that run 8 and 32 steps in one call measure it.

## Example
```python
model.compile(optimizer="adam", loss="mse")
model.fit(x, y, batch_size=32, epochs=50)  # a small model: a step takes about a millisecond
```

## Use instead
```python
model.compile(optimizer="adam", loss="mse", steps_per_execution=32)
model.fit(x, y, batch_size=32, epochs=50)
```

## Safety
Exact: the same updates in the same order. A trial compares the weights. Batch hooks run once for each execution instead
of each batch, so nothing is tried if one of them may stop or steer the training. If `fit` gets `steps_per_epoch`, only
sizes that divide it are tried: otherwise Keras would fill the last execution with more steps.

## Further reading
* [steps_per_execution in Model.compile](https://keras.io/api/models/model_training_apis/#compile-method)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.wording import duration, number

TITLE = "Launching a step costs more than it should"
REMEDIES = ("larger-execution",)

# Above this, a fixed cost of at most a millisecond is too small for a trial.
LONGEST_STEP_S = 5e-3
# Measured costs of a call of the train function on TensorFlow beside the computation, by model and machine.
DISPATCH_LOW_S, DISPATCH_MID_S, DISPATCH_HIGH_S = 0.3e-3, 0.6e-3, 1.0e-3


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        record = fit.record
        if facts.is_eager(fit) or record.steps_per_execution != 1:
            continue
        if fit.bare_step_s <= 0 or fit.step_s >= LONGEST_STEP_S:
            continue
        steps = fit.steps("mid")
        low, mid, high = (
            min(floor, fit.bare_step_s) * steps for floor in (DISPATCH_LOW_S, DISPATCH_MID_S, DISPATCH_HIGH_S)
        )
        cost = Interval(low=low, mid=mid, high=high)
        if not facts.worthwhile(cost):
            continue
        site = record.compile_site
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            locations=locations(location(site) if site else None, location(record.site)),
            evidence=(
                Evidence(
                    text=f"A step takes {duration(fit.bare_step_s)}, and each of {number(steps)} steps is launched "
                    "separately.",
                    value=fit.bare_step_s,
                    unit="s",
                ),
            ),
        )
