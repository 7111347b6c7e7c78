"""Which callbacks profile, and for how many batches."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import unit_s
from fitdoctor.recording.model import CallbackRecord
from fitdoctor.report.model import Interval

# The hook in which a `TensorBoard` stops a running profiler and writes its records.
WRITING_HOOK = "on_train_end"


def is_profiling(callback: CallbackRecord) -> bool:
    """Whether a `TensorBoard` profiles some batches."""
    return bool(callback.attributes.get("profile_batch"))


def profiled_share(fit: FitFacts, callback: CallbackRecord) -> float:
    """The share of a fit's batches that a callback profiles."""
    given = callback.attributes.get("profile_batch")
    if not isinstance(given, list) or len(given) != 2:
        return 0.0
    first, last = given
    executions = fit.epochs.mid * fit.steps_per_epoch / fit.per_execution
    return max(0.0, min(last, executions) - first + 1) / executions if executions >= 1 else 0.0


def writing_s(fit: FitFacts, callback: CallbackRecord) -> Interval:
    """Seconds that a profiler takes to write its records when training ends.

    At least the measured time, and at most the time in proportion to the steps of the whole training.
    """
    took = callback.hooks.get(WRITING_HOOK)
    share = profiled_share(fit, callback)
    if (
        took is None
        or share <= 0
        or callback.attributes["profile_batch"][1] < fit.hook_calls("on_train_batch_end", "mid")
    ):
        return Interval(low=0.0, mid=0.0, high=0.0)
    runs = max(1, fit.record.calls_run)
    each_s, calls = unit_s(took), fit.record.calls
    more = (
        fit.hook_calls("on_train_batch_end", "mid")
        / max(1, calls)
        / max(1.0, fit.hook_calls_seen("on_train_batch_end") / runs)
    )
    whole_s = each_s * max(1.0, more) * calls
    return Interval(low=each_s * calls, mid=each_s * calls, high=whole_s)
