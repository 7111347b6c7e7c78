"""How many epochs a fit will run."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Literal

from fitdoctor.recording.model import Fit

Bound = Literal["low", "mid"]
Basis = Literal["declared", "upper bound", "observed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Epochs:
    """Epochs of one call: `low` equals `mid` unless a stopping rule may end the training early."""

    low: int
    mid: int
    basis: Basis

    def at(self, bound: Bound) -> int:
        return self.low if bound == "low" else self.mid


def epochs_of(fit: Fit) -> Epochs:
    """The epochs of one call of this fit, and the basis of that figure."""
    declared = max(0, fit.epochs - fit.initial_epoch)
    if fit.stopped_at is not None:
        return Epochs(low=fit.stopped_at, mid=fit.stopped_at, basis="observed")
    if any(callback.may_stop for callback in fit.callbacks):
        if not fit.cut and fit.calls_run > 0:
            return Epochs(low=declared, mid=declared, basis="observed")
        seen = max(1, ceil(fit.epochs_seen / max(1, fit.calls_run)))
        return Epochs(low=min(seen, declared), mid=declared, basis="upper bound")
    if fit.steps_per_epoch is None or fit.steps_basis == "unknown":
        return Epochs(low=declared, mid=declared, basis="unknown")
    return Epochs(low=declared, mid=declared, basis="declared")
