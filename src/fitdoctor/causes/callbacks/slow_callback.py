"""A callback of the script's own takes a visible part of the training.

## What it is
A callback that the script defines does something costly in one of its hooks: it writes files, draws plots, copies
weights or computes scores.

## Why it is slow
Hooks run on the training thread. Nothing else happens until they return, and a batch hook runs thousands of times.

## How it is detected
Each hook of each callback is timed as it runs. Calls of `predict` and `evaluate` inside a hook are left out, because
they have causes of their own. A callback is reported from 5 % of the whole training on. Samples of the stack name its
costliest lines. Trials run its batch hooks every 50 batches, or its `on_epoch_end` every 5 epochs.

## Example
```python
class SaveWeights(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        np.save(f"weights-{batch}.npy", self.model.get_weights()[0])
```

## Use instead
```python
class SaveWeights(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch % 5 == 0:
            np.save(f"weights-{epoch}.npy", self.model.get_weights()[0])
```

## Safety
Exact for a callback that only observes: it writes less often, and the training stays the same. A callback that may stop
the training, or that changes weights or the learning rate, is reported but not tried: called less often it makes
another training.

## Further reading
* [Writing your own callbacks](https://keras.io/guides/writing_your_own_callbacks/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, location
from fitdoctor.facts.callbacks import callback_cost, heavy_logging, hook_costs
from fitdoctor.facts.checkpoints import is_for_saving
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.locations import locations
from fitdoctor.facts.sampled_lines import costliest_line, sampled_locations
from fitdoctor.wording import duration, number, percent

TITLE = "A callback of the script is slow"
REMEDIES = ("rarer-callback",)


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        for position, callback in enumerate(fit.record.callbacks):
            cost = callback_cost(fit, position)
            # Hooks are timed directly, so the best estimate decides. Heavy logging and saving have causes of their own.
            if (
                not callback.own
                or heavy_logging(callback)
                or is_for_saving(callback)
                or facts.share_of(cost.mid) < WORTHWHILE_SHARE
            ):
                continue
            hooks = sorted(hook_costs(fit, position).items(), key=lambda item: -item[1].mid)
            costly = [hook for hook, taken in hooks if facts.share_of(taken.mid) >= WORTHWHILE_SHARE] or [hooks[0][0]]
            evidence = [
                Evidence(
                    text=(
                        f"{callback.name}.{hook} takes {duration(fit.unit(callback.hooks[hook]).mid)}, "
                        f"{number(fit.hook_calls(hook, 'mid'))} times."
                    ),
                    value=fit.unit(callback.hooks[hook]).mid,
                    unit="s",
                )
                for hook in costly
            ]
            share = facts.share_of(cost.mid)
            evidence += [line for hook in costly for line in costliest_line(fit, f"the time of {hook}", hook)]
            evidence.append(Evidence(text=f"The callback is {percent(share)} of the whole training.", value=share))
            yield Finding(
                fit=fit.index,
                cost_s=cost,
                measured=True,
                locations=locations(
                    *sampled_locations(fit, *costly),
                    *(location(callback.hook_sources[hook]) for hook in costly if hook in callback.hook_sources),
                    location(callback.source) if callback.source else None,
                    location(callback.site) if callback.site else None,
                    location(fit.record.site),
                ),
                evidence=tuple(evidence),
                data={"callback": position, "hooks": costly},
            )
