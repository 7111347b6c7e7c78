"""What the first step of a fit takes because it is traced, and how much of that is tracing metrics."""

from __future__ import annotations

from fitdoctor.facts.fit import FitFacts
from fitdoctor.facts.units import first_extra_s, unit_s
from fitdoctor.recording.model import HotLine, MetricRecord

#: What samples of the first step are recorded under.
TRACING = "first step"


def tracing_s(fit: FitFacts) -> float:
    """Seconds that the first step of a call takes beyond the others."""
    first = fit.record.first_step
    return max(0.0, first_extra_s(first) if first.count > 1 else first.first_s - fit.step_s)


def lines_traced(fit: FitFacts) -> list[HotLine]:
    """The script's own lines that were found running while the first step was traced."""
    return [line for line in fit.record.hot_lines if line.where == TRACING]


def is_in_a_metric(fit: FitFacts, line: HotLine) -> bool:
    return any(_holds(metric, line) for metric in fit.record.metrics)


def metrics_traced_s(fit: FitFacts) -> tuple[float, float]:
    """Seconds that the script's own metrics take of tracing the first step, as sampled; and with validation's, in
    proportion.
    """
    share = min(1.0, sum(line.share for line in lines_traced(fit) if is_in_a_metric(fit, line)))
    validation_s = max(0.0, unit_s(fit.record.validation_first_step) - unit_s(fit.record.validation_step))
    return share * tracing_s(fit), share * (tracing_s(fit) + validation_s)


def _holds(metric: MetricRecord, line: HotLine) -> bool:
    if metric.source is None or len(metric.lines) != 2 or metric.source.file != line.site.file:
        return False
    first, last = metric.lines
    return first <= line.site.line <= last
