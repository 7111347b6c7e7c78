"""Which callbacks profile, and for how many batches."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import CallbackRecord


def profiles(callback: CallbackRecord) -> bool:
    """Whether a `TensorBoard` was told to profile some batches."""
    return bool(callback.attributes.get("profile_batch"))


def profiled_share(fit: FitFacts, callback: CallbackRecord) -> float:
    """The share of a fit's batches that a callback profiles."""
    given = callback.attributes.get("profile_batch")
    if not isinstance(given, list) or len(given) != 2:
        return 0.0
    first, last = given
    executions = fit.epochs.mid * fit.steps_per_epoch / fit.per_execution
    return max(0.0, min(last, executions) - first + 1) / executions if executions >= 1 else 0.0
