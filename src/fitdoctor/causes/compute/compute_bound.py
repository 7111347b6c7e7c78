"""The device does useful work most of the time.

## What it is
Most of the time goes into the computation of the steps, and not into waiting for input, Python, callbacks or
validation. Nothing is wrong.

## Why it is slow
This model takes that long on this machine. Even if everything else were free, the training would not be 1.5 times as
fast. Savings outside of the model are reported as causes of their own.

## How it is detected
A trial runs the same steps on input that is ready beforehand. From its time, the measured time of Python, logs,
callbacks and launching is subtracted. The rest is computation. It is reported from 70 % of the whole training on. This
is information and not a cause: there is nothing to try.

## Example
```python
model = keras.applications.ResNet50(weights=None, classes=10)
model.fit(dataset.prefetch(2), epochs=10)  # on a CPU
```

## Use instead
```python
model = keras.applications.MobileNetV3Small(weights=None, classes=10)  # less to compute, or a faster device
model.fit(dataset.prefetch(2), epochs=10)
```

## Safety
A smaller model is another training. Only its quality can show whether it is good enough.

## Further reading
* [Mixed precision](https://keras.io/api/mixed_precision/)
* [Distributed training](https://keras.io/guides/distributed_training_with_tensorflow/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.budget import split_step
from fitdoctor.facts.facts import Facts
from fitdoctor.wording import duration, percent

TITLE = "The device computes most of the time"
REMEDIES = ()

# With this share of computation, even free input, Python and callbacks would not make the training 1.5 times as fast.
DEVICE_SHARE = 0.70


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        if fit.index not in facts.measured.input_free:
            continue
        device_s = split_step(facts, fit).get(("device", ""), 0.0)
        cost_s = device_s * fit.steps("mid")
        share = facts.share_of(cost_s)
        if share < DEVICE_SHARE:
            continue
        yield Finding(
            fit=fit.index,
            cost_s=Interval(low=cost_s, mid=cost_s, high=cost_s),
            measured=True,
            informative=True,
            locations=(location(fit.record.site),),
            evidence=(
                Evidence(
                    text=f"{duration(device_s)} of a step of {duration(fit.step_s)} is computation, with input for "
                    "free.",
                    value=device_s,
                    unit="s",
                ),
                Evidence(text=f"Computing is {percent(share)} of the whole training.", value=share),
            ),
        )
