"""What each call of a fit costs beside its ordinary steps: the price of calling fit once more."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import total, unit_interval, unit_s
from fitdoctor.report.model import Interval

NOTHING = Interval(low=0.0, mid=0.0, high=0.0)


def call_overhead_s(fit: FitFacts) -> Interval:
    """Seconds that a later call takes around its steps: set-up, the start of its input in its first step, and its end.

    Where every call has but one step, it may not be known how much of that is computing: the interval holds both ends
    then.
    """
    record = fit.record
    around = [unit_interval(record.setup), unit_interval(record.teardown), _of_first_step(fit)]
    if record.one_batch_calls == record.calls:  # no epoch is needed either: its iterator is made for one step
        around.append(unit_interval(record.epoch_boundary))
    return total(around)


def _of_first_step(fit: FitFacts) -> Interval:
    if fit.one_offs_paid > 1:  # it traces anew each time: that has a cause of its own
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
    """Seconds that a later call takes to trace and compile anew:

    from what TensorFlow's tracing took to all of the first step.
    """
    record = fit.record
    first = max(0.0, unit_s(record.first_step) - fit.step_s * fit.per_execution)
    validation = max(0.0, unit_s(record.validation_first_step) - unit_s(record.validation_step))
    extra_s = first + validation
    later = max(1, record.calls_run - 1)
    traced_s = max(0.0, record.traces.total_s * later / (later + 1)) / later if record.traces.count else extra_s
    return Interval(low=min(traced_s, extra_s), mid=extra_s, high=extra_s)
