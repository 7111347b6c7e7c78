"""Tracing and compiling the step take a large part of a short training.

## What it is
The first step of a fit takes as long as hundreds of others. The reason may be a recurrent layer with `unroll=True`, a
Python loop over time steps in `call` or `train_step`, or XLA (`jit_compile=True`) for a training of a few minutes.

## Why it is slow
Before the first batch, the model's Python code runs once to make a graph. A Python loop adds its body to that graph
once for each turn, so tracing, optimising and compiling grow with it. The time is paid once in a process, so it only
matters if the training is short.

## How it is detected
The first step is timed separately. One to three seconds are normal. The cause is reported from 5 s and a fifth of the
whole training on, and only if something in the script explains it: XLA, an unrolled layer, or lines of its own that
take most of the tracing.

## Example
```python
layers.LSTM(64, unroll=True)
for t in range(200):
    state = self.cell(x[:, t], state)
model.compile(optimizer="adam", loss="mse", jit_compile=True)
```

## Use instead
```python
layers.LSTM(64)
outputs = layers.RNN(cell)(x)                 # or keras.ops.scan, tf.while_loop
model.compile(optimizer="adam", loss="mse")   # XLA for long trainings only
```

## Safety
A rolled loop, or a graph without XLA, computes the same with other rounding. There is no trial: it would have to pay
for the first step again. Slower steps can outweigh the saving, so in a longer training the same first step may be worth
its time.

## Further reading
* [Better performance with tf.function](https://www.tensorflow.org/guide/function)
* [Working with RNNs](https://keras.io/guides/working_with_rnns/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations
from fitdoctor.facts.tracing import TRACING, is_in_a_metric, lines_traced, tracing_s
from fitdoctor.wording import duration, percent

TITLE = "Tracing and compiling take a large part of a short training"
REMEDIES: tuple[str, ...] = ()

# A usual model takes less, even on a slow machine.
LEAST_S = 5.0
LEAST_SHARE = 0.20
# If the script's own lines have this share of the samples while it traces, they explain the tracing.
OWN_SHARE = 0.5

# The compiler that `jit_compile` turns on, by backend.
COMPILERS = {"torch": "torch.compile"}


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        extra_s = tracing_s(fit)
        if extra_s < LEAST_S or facts.share_of(extra_s) < LEAST_SHARE:
            continue
        reasons = list(_reasons(facts, fit))
        if not reasons:
            continue
        share = facts.share_of(extra_s)
        text = f"The first step takes {duration(extra_s)} more than the others: {percent(share)} of the whole training."
        jit = fit.record.jit_compile and fit.record.compile_site
        yield Finding(
            fit=fit.index,
            cost_s=Interval(low=extra_s, mid=extra_s, high=extra_s),
            measured=True,
            locations=locations(
                *sampled_locations(fit, TRACING),
                location(jit, "jit_compile", True) if jit else None,
                location(fit.record.site),
            ),
            evidence=(Evidence(text=text, value=extra_s, unit="s"), *reasons),
        )


def _reasons(facts: Facts, fit: FitFacts) -> Iterator[Evidence]:
    """The reasons in the script, if there are any."""
    record = fit.record
    if record.jit_compile:
        compiler = COMPILERS.get(str(facts.scout.environment.get("backend")), "XLA")
        yield Evidence(text=f"{compiler} compiles it: jit_compile is on.")
    if record.unrolled:
        yield Evidence(text=f"Unrolled layers: {', '.join(record.unrolled)}.")
    # The share of the script's own metrics belongs to costly-metrics.
    if sum(line.share for line in lines_traced(fit) if not is_in_a_metric(fit, line)) >= OWN_SHARE:
        yield from costliest_line(fit, "the tracing", TRACING)
