"""A profiler or a debugging aid is left on for the whole training.

## What it is
`TensorBoard(profile_batch=…)` with a range that covers most of the training, `tf.profiler.experimental.start` without
its stop, `tf.debugging.enable_check_numerics` or `tf.data.experimental.enable_debug_mode`.

## Why it is slow
A profiler records each operation and keeps all records in memory until it stops. Checked numerics search the output of
each operation for values that are not finite. The debug mode of tf.data runs every function of the pipeline in Python,
one element after another.

## How it is detected
When `fit` begins, fitdoctor reads which aids are on, and which line turned each on. A trial with the aid off measures
its cost. A profiler counts if it covers at least half of the batches: a short range is normal use. The time that it
takes to write its results is measured, and grows with the number of steps.

## Example
```python
tf.debugging.enable_check_numerics()
model.fit(x, y, epochs=50, callbacks=[keras.callbacks.TensorBoard("logs", profile_batch=(1, 100000))])
```

## Use instead
```python
model.fit(x, y, epochs=50, callbacks=[keras.callbacks.TensorBoard("logs", profile_batch=(10, 20))])
```

## Safety
Exact: a trial compares the weights after some steps bit for bit, or the batches in tf.data's debug mode.

## Further reading
* [TensorFlow profiler](https://www.tensorflow.org/guide/profiler)
* [enable_check_numerics](https://www.tensorflow.org/api_docs/python/tf/debugging/enable_check_numerics)
* [enable_debug_mode](https://www.tensorflow.org/api_docs/python/tf/data/experimental/enable_debug_mode)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.locations import locations
from fitdoctor.facts.profilers import WRITING_HOOK, profiled_share, writing_s
from fitdoctor.facts.units import times
from fitdoctor.recording.model import CallbackRecord, DebugSwitch
from fitdoctor.wording import duration, number, percent

TITLE = "A profiler or a debugging aid runs for the whole training"
REMEDIES = ("profiler-off",)

# A smaller range of batches was chosen on purpose.
MOST_BATCHES = 0.5
# Estimated shares of a step until a trial measures them. A profiler added 7 % to steps of a few milliseconds, and a
# check of each operation's output several times the step.
PROFILER = Interval(low=0.0, mid=0.07, high=0.4)
CHECKS = Interval(low=0.0, mid=0.3, high=0.9)
# The effect of each call that turns an aid on.
DOES = {
    "tf.profiler.experimental.start": "profiles every operation until it is stopped",
    "tf.debugging.enable_check_numerics": "checks the output of every operation",
    "tf.data.experimental.enable_debug_mode": "runs every function of the pipeline in Python, one element after "
    "another",
}


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        for switch in fit.record.debug_switches:
            cost = _cost(facts, fit, switch)
            if facts.worthwhile(cost):
                yield _finding(fit, cost, switch)
        for position, callback in enumerate(fit.record.callbacks):
            share = profiled_share(fit, callback)
            step, ended = times(PROFILER, share * fit.step_s * fit.steps("mid")), writing_s(fit, callback)
            cost = Interval(low=ended.low, mid=step.mid + ended.mid, high=step.high + ended.high)
            if share < MOST_BATCHES or not facts.worthwhile(cost):
                continue
            site = callback.site
            first, last = callback.attributes["profile_batch"]
            text = f"{callback.name} profiles batches {first} to {last}, {percent(share)} of the training."
            yield Finding(
                fit=fit.index,
                cost_s=cost,
                measured=facts.share_of(ended.low) >= WORTHWHILE_SHARE,
                locations=locations(
                    location(site, "profile_batch", (first, last)) if site else None, location(fit.record.site)
                ),
                evidence=(Evidence(text=text, value=share), _step(fit), *_writing(fit, callback)),
                data={"callback": position, "writing_s": ended.mid},
            )


def _cost(facts: Facts, fit: FitFacts, switch: DebugSwitch) -> Interval:
    if switch.call.startswith("tf.data."):
        return facts.input_cost(fit)[0]
    return times(PROFILER if switch.call.startswith("tf.profiler.") else CHECKS, fit.step_s * fit.steps("mid"))


def _finding(fit: FitFacts, cost: Interval, switch: DebugSwitch) -> Finding:
    return Finding(
        fit=fit.index,
        cost_s=cost,
        locations=locations(location(switch.site) if switch.site else None, location(fit.record.site)),
        evidence=(Evidence(text=f"{switch.call} was called: it {DOES.get(switch.call, 'stays on')}."), _step(fit)),
        data={"call": switch.call},
    )


def _step(fit: FitFacts) -> Evidence:
    return Evidence(text=f"With it on, a step takes {duration(fit.step_s)}.", value=fit.step_s, unit="s")


def _writing(fit: FitFacts, callback: CallbackRecord) -> Iterator[Evidence]:
    took = callback.hooks.get(WRITING_HOOK)
    if took is not None:
        text = f"It took {duration(took.first_s)} to write {number(fit.hook_calls_seen('on_train_batch_end'))} steps."
        yield Evidence(text=text, value=took.first_s, unit="s")
