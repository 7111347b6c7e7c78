"""Each batch waits until the logs of the batch before are written.

## What it is
The progress bar, `TensorBoard(update_freq="batch")` or another library's callback logs after each batch or every few
batches.

## Why it is slow
A batch hook runs on the training thread, between two steps. It needs the metrics as numbers, so on an accelerator it
waits for the end of the step. Then it formats, prints or writes. If a step takes a millisecond, logging is a large part
of it.

## How it is detected
The batch hooks of callbacks that the script does not define are timed. Saving is a cause of its own. They are reported
from 5 % of the whole training on. Trials run steps with the progress bar off, with scalars written once an epoch, or
with another callback's hook on every fiftieth batch. The script's own callbacks are checked by `slow-callback`. A
terminal may be slower than the file that a diagnosis prints to.

## Example
```python
model.fit(x, y, epochs=50, callbacks=[keras.callbacks.TensorBoard("logs", update_freq="batch")])
```

## Use instead
```python
model.fit(x, y, epochs=50, verbose=2, callbacks=[keras.callbacks.TensorBoard("logs", update_freq="epoch")])
```

## Safety
Exact: logs are written less often, and the training stays the same.

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

# The argument that sets how often a callback logs, by callback.
SETTINGS = {"TensorBoard": "update_freq"}


def check(facts: Facts) -> Iterator[Finding]:
    for fit in facts.fits:
        for position, callback in enumerate(fit.record.callbacks):
            if callback.own or is_for_saving(callback) or is_profiling(callback):
                continue
            costs = {hook: cost for hook, cost in hook_costs(fit, position).items() if hook_kind(hook) == "batch"}
            # Hooks can't cost more than the rest of the step. One slow first call must not count for all.
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
                        text=f"{callback.name} takes {duration(each_s)} of each step, which takes "
                        f"{duration(fit.step_s)}.",
                        value=each_s,
                        unit="s",
                    ),
                    Evidence(text=f"That is {percent(share)} of the whole training.", value=share),
                ),
                data={"callback": position, "hooks": sorted(costs, key=lambda hook: -costs[hook].mid)},
            )


def _places(record: Fit, callback: CallbackRecord) -> list[Location]:
    """The argument that sets how often it logs, then the calls themselves."""
    site, name = (
        (record.site, "verbose")
        if callback.name == "ProgbarLogger"
        else (callback.site, SETTINGS.get(callback.name, ""))
    )
    value = record.verbose if name == "verbose" else callback.attributes.get(name)
    written = [location(site, name, value)] if site and name in site.arguments else []
    return [*written, *([location(callback.site)] if callback.site else []), location(record.site)]
