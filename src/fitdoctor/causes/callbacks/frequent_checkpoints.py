"""Training stops too often to save the model.

## What it is
`ModelCheckpoint`, `BackupAndRestore` or a callback of the script's own saves the model after every short epoch, or
after every few batches.

## Why it is slow
A save copies every weight and, for a whole model, the optimizer's state, and writes a file, on the thread that trains.
A save costs the same for an epoch of a second as for one of an hour.

## How it is detected
The hooks of these callbacks are timed, and the files that Keras saves inside them are counted. They are reported from 5
% of the whole training on.

A trial saves after every fifth epoch only. Saves after every few batches become one save an epoch, or a tenth as many
if that is still fewer. If an epoch is too long for a trial, a tenth is tried. A callback that keeps only the best model
saves as often as the score improves, which is not known beforehand. The report then assumes that every second check
brings an improvement.

## Example
```python
model.fit(x, y, epochs=500, callbacks=[keras.callbacks.ModelCheckpoint("model-{epoch}.keras")])  # a second an epoch
```

## Use instead
```python
steps = math.ceil(len(x) / 32)
checkpoint = keras.callbacks.ModelCheckpoint("model.keras", save_freq=5 * steps)          # every fifth epoch
checkpoint = keras.callbacks.ModelCheckpoint("model.keras", save_freq="epoch")            # not every few batches
checkpoint = keras.callbacks.ModelCheckpoint("model.weights.h5", save_weights_only=True)  # no architecture
model.fit(x, y, epochs=500, callbacks=[checkpoint])
```

## Safety
Exact: the training stays the same. After an interruption, the file on disk is older. There are fewer numbered files. If
only the best model is kept, rarer saves are not tried: another model might be kept as the best.

## Further reading
* [keras.callbacks.ModelCheckpoint](https://keras.io/api/callbacks/model_checkpoint/)
* [keras.callbacks.BackupAndRestore](https://keras.io/api/callbacks/backup_and_restore/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.callbacks import callback_cost
from fitdoctor.facts.checkpoints import is_for_saving, keeps_the_best, save_text
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import sampled_locations
from fitdoctor.wording import number, percent

TITLE = "Models are saved too often"
REMEDIES = ("rarer-checkpoints", "weights-only")

# How often a score improves is not known: at least never, probably every second time.
IMPROVEMENTS_LOW, IMPROVEMENTS_MID = 0.0, 0.5


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        for position, callback in enumerate(fit.record.callbacks):
            if not is_for_saving(callback) or not callback.saves.count:
                continue
            cost = callback_cost(fit, position)
            if keeps_the_best(callback):
                cost = Interval(low=cost.low * IMPROVEMENTS_LOW, mid=cost.mid * IMPROVEMENTS_MID, high=cost.high)
            if not facts.worthwhile(Interval(low=cost.low, mid=cost.mid, high=cost.mid)):
                continue
            hooks = sorted(callback.hooks, key=lambda hook: -callback.hooks[hook].total_s)
            calls = max(1, callback.hooks[hooks[0]].count)
            seen = fit.hook_calls(hooks[0], "mid") * min(1.0, callback.saves.count / calls)
            often = "up to " if keeps_the_best(callback) else "some "
            share = facts.share_of(cost.mid)
            yield Finding(
                fit=fit.index,
                cost_s=cost,
                measured=True,
                locations=locations(
                    location(callback.site) if callback.site else None,
                    *sampled_locations(fit, *hooks),
                    location(callback.source) if callback.source else None,
                    location(fit.record.site),
                ),
                evidence=(
                    Evidence(
                        text=f"{callback.name} saves {often}{number(seen)} times, {save_text(callback)} each.",
                        value=seen,
                    ),
                    Evidence(text=f"The callback is {percent(share)} of the whole training.", value=share),
                ),
                data={"callback": position, "hooks": hooks},
            )
