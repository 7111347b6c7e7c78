"""Which metrics may take a visible part of a step."""

from __future__ import annotations

from fitdoctor.recording.model import Fit, MetricRecord

# A mean keeps a total and a count. A larger state holds thresholds, classes or a confusion matrix.
LARGE_STATE = 8


def is_heavy(metric: MetricRecord) -> bool:
    """Whether a metric does more than add up one number a sample, or is the script's own."""
    return metric.state_size > LARGE_STATE or metric.source is not None


def heavy_metrics(fit: Fit) -> list[MetricRecord]:
    """The metrics of a fit that may be costly."""
    return [metric for metric in fit.metrics if is_heavy(metric)]
