"""Something is written or printed after every batch, and the next one waits for it.

## What it is
The progress bar, `TensorBoard(update_freq="batch")` or another library's callback logs after each batch or every few of
them.

## Why it is slow
A hook of a batch runs on the thread that trains, between two steps. It needs the metrics as numbers, so on an
accelerator it waits for the step to end; then it formats, prints or writes. Where a step takes a millisecond, that is a
large part of it.

## How it is told
The batch hooks of callbacks that the script did not write itself are timed; saving is another cause. They count from 5
% of the whole training on. Trials run steps with the progress bar quiet until the epoch's end, with scalars written by
epoch, or with another callback's hook on every fiftieth batch. The script's own callbacks are looked at as what they
are. A terminal may be slower than the file that a diagnosis prints to.

## Example
```python
model.fit(x, y, epochs=50, callbacks=[keras.callbacks.TensorBoard("logs", update_freq="batch")])
```

## Use instead
```python
model.fit(x, y, epochs=50, verbose=2, callbacks=[keras.callbacks.TensorBoard("logs", update_freq="epoch")])
```

## Safety
Exact: what is logged becomes rarer, the training stays the same.

## Further reading
* [verbose in Model.fit](https://keras.io/api/models/model_training_apis/#fit-method)
* [keras.callbacks.TensorBoard](https://keras.io/api/callbacks/tensorboard/)
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.causes.base import Evidence, Finding, Interval, location
from fitdoctor.facts.callbacks import hook_costs
from fitdoctor.facts.checkpoints import is_for_saving
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.hook_kinds import hook_kind
from fitdoctor.facts.locations import locations
from fitdoctor.facts.profilers import is_profiling
from fitdoctor.facts.units import total
from fitdoctor.recording.model import CallbackRecord, Fit
from fitdoctor.report.model import Location
from fitdoctor.wording import duration, percent

TITLE = "Logging at each batch holds up the step"
REMEDIES = ("quieter-logs",)

#: The argument that says how often, by callback.
SETTINGS = {"TensorBoard": "update_freq"}


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        for position, callback in enumerate(fit.record.callbacks):
            if callback.own or is_for_saving(callback) or is_profiling(callback):
                continue
            costs = {hook: cost for hook, cost in hook_costs(fit, position).items() if hook_kind(hook) == "batch"}
            # What the step leaves for hooks bounds what they cost: one slow first call must not stand for all.
            each_s = fit.batch_hooks_s[position]
            mid_s = min(total(list(costs.values())).mid, each_s * fit.steps("mid"))
            if facts.share_of(mid_s) < WORTHWHILE_SHARE:
                continue
            share = facts.share_of(mid_s)
            yield Finding(
                fit=fit.index,
                cost_s=Interval(low=mid_s, mid=mid_s, high=mid_s),
                measured=True,
                locations=locations(*_places(fit.record, callback)),
                evidence=(
                    Evidence(
                        text=f"{callback.name} takes {duration(each_s)} of each step, which takes {duration(fit.step_s)}.",
                        value=each_s,
                        unit="s",
                    ),
                    Evidence(text=f"That is {percent(share)} of the whole training.", value=share),
                ),
                data={"callback": position, "hooks": sorted(costs, key=lambda hook: -costs[hook].mid)},
            )


def _places(record: Fit, callback: CallbackRecord) -> list[Location]:
    """Where the argument stands that says how often, then the calls themselves."""
    site, name = (
        (record.site, "verbose")
        if callback.name == "ProgbarLogger"
        else (callback.site, SETTINGS.get(callback.name, ""))
    )
    value = record.verbose if name == "verbose" else callback.attributes.get(name)
    written = [location(site, name, value)] if site and name in site.arguments else []
    return [*written, *([location(callback.site)] if callback.site else []), location(record.site)]
