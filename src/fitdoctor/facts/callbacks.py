"""The cost of callbacks in the whole training."""

from __future__ import annotations

from typing import Any

from fitdoctor.facts.epochs import Bound
from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.hook_kinds import hook_kind
from fitdoctor.facts.units import times, total
from fitdoctor.recording.model import CallbackRecord
from fitdoctor.report.model import Interval

# Attributes of `TensorBoard` that make it write more than scalars, with the value that turns each of them off.
HEAVY_LOGGING: dict[str, Any] = {"histogram_freq": 0, "write_images": False, "embeddings_freq": 0}


def hook_costs(fit: FitFacts, position: int, bound: Bound = "mid") -> dict[str, Interval]:
    """Seconds of each hook of a callback in the whole training."""
    costs: dict[str, Interval] = {}
    for hook, took in fit.record.callbacks[position].hooks.items():
        if hook_kind(hook) != "validation batch":
            costs[hook] = times(fit.unit(took), fit.hook_calls(hook, bound))
    return costs


def callback_cost(fit: FitFacts, position: int) -> Interval:
    """Seconds of all hooks of a callback in the whole training."""
    return total(list(hook_costs(fit, position).values()))


def heavy_logging(callback: CallbackRecord) -> dict[str, Any]:
    """The attributes of a `TensorBoard` that write more than scalars, and the values that turn them off.

    Empty for other callbacks.
    """
    if "histogram_freq" not in callback.attributes:
        return {}
    return {name: off for name, off in HEAVY_LOGGING.items() if callback.attributes.get(name)}


def watches_validation(callback: CallbackRecord) -> bool:
    """Whether a callback acts on validation scores, so that validating less often changes the training."""
    return callback.may_stop or callback.steers or str(callback.attributes.get("monitor", "")).startswith("val_")
