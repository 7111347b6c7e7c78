"""Each step is slower than the one before.

## What it is
The same step, on batches of the same size, takes longer and longer during the training.

## Why it is slow
Something grows with each step, and each step goes through all of it: a list that a callback plots or searches, a graph
that the step adds to, or memory that runs full.

## How it is detected
Only a whole training shows it: `fitdoctor watch` records the mean step time of a few dozen blocks of steps, and the
memory of the process. The step time must grow by a fifth from the first quarter to the last. It must grow in all
quarters, and more than figures in random order ever do (Kendall's test). A jump, a hiccup or a slow begin is no trend.
The report names the part of the step that grows: a callback, the logs or the train function. The cost is the time
beyond steps as fast as those of the first quarter.

## Example
```python
class Plotter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])
        self.figure.plot(self.losses)  # all of them, each time
```

## Use instead
```python
class Plotter(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])

    def on_epoch_end(self, epoch, logs=None):
        self.figure.plot(self.losses)
```

## Safety
There is no trial: it would last a few seconds, in which nothing grows. You have to change the code, and the report
names the place.

## Further reading
* [Mann-Kendall test for a trend](https://en.wikipedia.org/wiki/Kendall_rank_correlation_coefficient)
* [Controlling the graph with tf.function](https://www.tensorflow.org/guide/function)
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

from fitdoctor.causes.base import Evidence, Finding, Interval, Location, location
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.hook_kinds import hook_kind
from fitdoctor.facts.learning.trend import Growth, growth
from fitdoctor.facts.locations import locations
from fitdoctor.recording.model import CallbackRecord, Duration, Fit
from fitdoctor.wording import duration, number, percent, plural, size

TITLE = "Each step is slower than the one before"
REMEDIES = ()

# Steps of one training drift by some percent with the clock of the machine, but never by a fifth.
LEAST_GROWTH = 1.20
# The share of the first blocks that is left out, because the process is still warming up.
COLD_SHARE = 0.1


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        seen = fit.seen
        if seen is None or not seen.blocks:
            continue
        warm = seen.blocks[round(len(seen.blocks) * COLD_SHARE) :]
        each_s = [block.seconds / block.steps for block in warm]
        found = growth(each_s)
        if found is None or found.ratio < LEAST_GROWTH:
            continue
        whole_s = sum(block.seconds for block in seen.blocks)
        excess_s = sum(max(0.0, block.seconds - found.first * block.steps) for block in warm)
        least_s = sum(max(0.0, block.seconds - max(each_s[: len(each_s) // 4]) * block.steps) for block in warm)
        steps_s = facts.projection.under(f"{fit.id}/step")
        cost = Interval(
            low=steps_s * least_s / whole_s, mid=steps_s * excess_s / whole_s, high=steps_s * excess_s / whole_s
        )
        if not facts.worthwhile(cost):
            continue
        per_step = fit.per_execution
        callback, text = _grower(seen, found)
        steps = sum(block.steps for block in seen.blocks) * per_step
        yield Finding(
            fit=fit.index,
            cost_s=cost,
            measured=True,
            locations=locations(_place(callback), location(fit.record.site)),
            evidence=(
                Evidence(
                    text=f"A step took {duration(found.first / per_step)} at first and "
                    f"{duration(found.last / per_step)} "
                    f"{number(steps)} steps later.",
                    value=found.ratio,
                ),
                Evidence(text=text),
                *_memory(seen),
            ),
        )


def _grower(seen: Fit, whole: Growth) -> tuple[CallbackRecord | None, str]:
    """The part of a step that grows most, as a callback where it is one, and as a sentence."""
    parts: list[tuple[CallbackRecord | None, str, Duration]] = [
        (None, "the train function", seen.function),
        (None, "the logs", seen.logs),
    ]
    for callback in seen.callbacks:
        parts += [
            (callback, f"{callback.name}.{hook}", took)
            for hook, took in callback.hooks.items()
            if hook_kind(hook) == "batch"
        ]
    grower, name, took = max(parts, key=lambda part: _grown_s(part[2]))
    share = min(1.0, _grown_s(took) / (whole.last - whole.first))
    text = f"{percent(share)} of the growth is in {name}."
    if grower is None and seen.traces.count > seen.calls_run + 1:
        text += f" {plural(seen.traces.count, 'function')} were traced while fit ran."
    return grower, text


def _grown_s(took: Duration) -> float:
    """From the first quarter of the training, by its samples, to the last."""
    quarter = len(took.samples_s) // 4
    return median(took.samples_s[-quarter:]) - median(took.samples_s[:quarter]) if quarter else 0.0


def _memory(seen: Fit) -> tuple[Evidence, ...]:
    found = growth([float(block.memory_bytes) for block in seen.blocks])
    if found is None:
        return ()
    text = f"Meanwhile the memory of the process grew from {size(found.first)} to {size(found.last)}."
    return (Evidence(text=text, value=found.last - found.first, unit="B"),)


def _place(callback: CallbackRecord | None) -> Location | None:
    if callback is None or (callback.source or callback.site) is None:
        return None
    site = callback.source or callback.site
    assert site is not None
    return location(site)
