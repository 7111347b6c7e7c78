"""The time to trace the first step of a fit, and the part of it that traces metrics."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import first_extra_s, unit_s
from fitdoctor.recording.model import HotLine, MetricRecord

# The recorded name of the part that traces.
TRACING = "first step"


def tracing_s(fit: FitFacts) -> float:
    """Seconds that the first step of a call takes beyond the others."""
    first = fit.record.first_step
    return max(0.0, first_extra_s(first) if first.count > 1 else first.first_s - fit.step_s)


def lines_traced(fit: FitFacts) -> list[HotLine]:
    """The script's own lines in samples of the first step, while it is traced."""
    return [line for line in fit.record.hot_lines if line.where == TRACING]


def is_in_a_metric(fit: FitFacts, line: HotLine) -> bool:
    return any(_holds(metric, line) for metric in fit.record.metrics)


def metrics_traced_s(fit: FitFacts) -> tuple[float, float]:
    """Seconds to trace the script's own metrics: in the first step, and in validation too.

    The share is sampled in the first step and assumed to be the same in validation.
    """
    share = min(1.0, sum(line.share for line in lines_traced(fit) if is_in_a_metric(fit, line)))
    validation_s = max(0.0, unit_s(fit.record.validation_first_step) - unit_s(fit.record.validation_step))
    return share * tracing_s(fit), share * (tracing_s(fit) + validation_s)


def _holds(metric: MetricRecord, line: HotLine) -> bool:
    if metric.source is None or len(metric.lines) != 2 or metric.source.file != line.site.file:
        return False
    first, last = metric.lines
    return first <= line.site.line <= last
