"""The cost of each call of a fit beside its ordinary steps."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import total, unit_interval, unit_s
from fitdoctor.report.model import Interval

NOTHING = Interval(low=0.0, mid=0.0, high=0.0)


def call_overhead_s(fit: FitFacts) -> Interval:
    """Seconds of a later call beside its steps: its set-up, the start of its input, and its end.

    If every call has one step only, the share of computing may be unknown. The interval then holds both extremes.
    """
    record = fit.record
    around = [unit_interval(record.setup), unit_interval(record.teardown), _of_first_step(fit)]
    if record.one_batch_calls == record.calls:  # no epoch is needed either
        around.append(unit_interval(record.epoch_boundary))
    return total(around)


def _of_first_step(fit: FitFacts) -> Interval:
    if fit.one_offs_paid > 1:  # it traces again each time, which has a cause of its own
        return NOTHING
    first_s = unit_s(fit.record.first_step)
    if fit.record.step.count:
        extra_s = max(0.0, first_s - fit.step_s * fit.per_execution)
        return Interval(low=extra_s, mid=extra_s, high=extra_s)
    if fit.device_s is not None:
        extra_s = max(0.0, first_s - fit.device_s * fit.per_execution)
        return Interval(low=extra_s, mid=extra_s, high=extra_s)
    return Interval(low=0.0, mid=first_s / 2, high=first_s)


def retrace_s(fit: FitFacts) -> Interval:
    """Seconds that a later call takes to trace and compile again.

    At least the time of TensorFlow's tracing, and at most the whole first step.
    """
    record = fit.record
    first = max(0.0, unit_s(record.first_step) - fit.step_s * fit.per_execution)
    validation = max(0.0, unit_s(record.validation_first_step) - unit_s(record.validation_step))
    extra_s = first + validation
    later = max(1, record.calls_run - 1)
    traced_s = max(0.0, record.traces.total_s * later / (later + 1)) / later if record.traces.count else extra_s
    return Interval(low=min(traced_s, extra_s), mid=extra_s, high=extra_s)
