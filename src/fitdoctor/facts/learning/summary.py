"""How a fit learns: its curve, its weights, the inspection of its model, and statistics of its data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import hypot, isfinite, sqrt
from statistics import median
from typing import Literal

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import (
    EpochRow,
    Fit,
    GradientStatistics,
    InputArray,
    LayerStatistics,
    ModelInspection,
    SampledWeights,
)
from fitdoctor.report.model import CurvePoint, DataSummary, LayerLearning, Learning

# The most points of a curve in a report: enough for its shape.
MOST_POINTS = 64


def learning_of(fit: FitFacts, inside: ModelInspection | None) -> Learning:
    """Everything that the report shows on how a fit learns."""
    record = fit.seen or fit.record
    parts = {
        part.name: part
        for part in [*(inside.inputs if inside is not None else ()), *fit.record.inputs]
        if part.spread is not None
    }
    return Learning(
        curve=tuple(_points(record.curve)),
        layers=tuple(_layers(record.weights, inside)),
        data=tuple(_summary(part, fit.record.input_kind) for part in parts.values()),
        missing=(inside.missing,) if inside is not None and inside.missing else (),
    )


def moved_share(record: Fit) -> float | None:
    """The share of its size by which an epoch moves the median weight. None if unknown."""
    shares = [share for share in _moved(record.weights).values() if share is not None]
    return median(shares) if shares else None


def first_gradient_ratio(inside: ModelInspection) -> float | None:
    """The relative gradient of the first layer, divided by the median of the other layers.

    A relative gradient is the norm of the gradient divided by the norm of the weights.
    """
    ratios = [norm / weight if weight and norm else None for _, weight, norm in _by_layer(inside.gradients)]
    others = [ratio for ratio in ratios[1:] if ratio is not None]
    if not others or ratios[0] is None:
        return None
    return _finite(ratios[0] / median(others)) if median(others) else None


def _points(curve: list[EpochRow]) -> Iterator[CurvePoint]:
    """The points of a curve, evenly spaced, the last one included."""
    most = min(len(curve), MOST_POINTS)
    for at in range(most):
        row = curve[round(at * (len(curve) - 1) / max(1, most - 1))]
        yield CurvePoint(
            call=row.call, epoch=row.number, s=row.ended_s, learning_rate=row.learning_rate, logs=dict(row.logs)
        )


def _layers(weights: SampledWeights | None, inside: ModelInspection | None) -> Iterator[LayerLearning]:
    """One row for each layer, in the order in which the model computes them, if known."""
    moved = _moved(weights)
    statistics = {layer.name: layer for layer in inside.layers} if inside is not None else {}
    gradients = (
        {name: (weight, norm) for name, weight, norm in _by_layer(inside.gradients)} if inside is not None else {}
    )
    layer_names = list(dict.fromkeys([*statistics, *gradients]))
    shares: dict[str, list[float]] = {}
    for variable, share in moved.items():
        owner = max(
            (name for name in layer_names if variable.startswith(f"{name}/")), key=len, default=_owner(variable)
        )
        shares.setdefault(owner, []).extend([share] if share is not None else [])
    for name in dict.fromkeys([*layer_names, *shares]):
        weight, norm = gradients.get(name, (None, None))
        found = shares.get(name)
        yield _layer(
            statistics.get(name) or LayerStatistics(name=name, kind=""), median(found) if found else None, weight, norm
        )


def _layer(layer: LayerStatistics, moved: float | None, weight: float | None, gradient: float | None) -> LayerLearning:
    return LayerLearning(
        layer=layer.name,
        kind=layer.kind,
        activation=layer.activation,
        moved_share=moved,
        weight_norm=weight,
        gradient_norm=gradient,
        output_mean=layer.mean,
        output_std=layer.std,
        dead_units=layer.dead,
        saturated=layer.saturated,
    )


def _moved(weights: SampledWeights | None) -> dict[str, float | None]:
    """The share of its size by which an epoch moves each sampled weight: the median of its readings.

    A reading after several epochs counts with their mean.
    """
    if weights is None:
        return {}
    found: dict[str, list[float]] = {name: [] for name in weights.names}
    for reading in weights.readings:
        for name, size, way in zip(weights.names, reading.rms, reading.moved, strict=False):
            if size and way is not None and reading.since and isfinite(way / reading.since / size):
                found[name].append(way / reading.since / size)
    return {name: median(shares) if shares else None for name, shares in found.items()}


def _owner(variable: str) -> str:
    return variable.rpartition("/")[0] or variable


def _by_layer(gradients: Iterable[GradientStatistics]) -> Iterator[tuple[str, float | None, float | None]]:
    """Each layer with the norm of its weights and the norm of their gradient. None if not finite or missing."""
    held: dict[str, list[GradientStatistics]] = {}
    for each in gradients:
        held.setdefault(each.layer or _owner(each.name), []).append(each)
    for layer, own in held.items():
        yield layer, _norm(each.norm for each in own), _norm(each.gradient for each in own if each.connected)


def _norm(parts: Iterable[float | None]) -> float | None:
    known = list(parts)
    return _finite(hypot(*(part for part in known if part is not None))) if known and None not in known else None


def _summary(part: InputArray, input_kind: str) -> DataSummary:
    spread = part.spread
    assert spread is not None
    count = max(1, len(spread.mean))
    mean = sum(value / count for value in spread.mean)
    around = [hypot(each - mean, std) for each, std in zip(spread.mean, spread.std, strict=False)]
    sample: Literal["evenly spaced", "first batches"] = "evenly spaced" if input_kind == "arrays" else "first batches"
    return DataSummary(
        name=part.name,
        dtype=part.dtype,
        sample=sample,
        rows=spread.rows,
        features=spread.features,
        mean=_finite(mean),
        std=_finite(hypot(*(each / sqrt(count) for each in around))),
        low=min(spread.low, default=None),
        high=max(spread.high, default=None),
        least_std=min(spread.std, default=None),
        most_std=max(spread.std, default=None),
        zeros=spread.zeros,
        nonfinite=spread.nonfinite,
        classes=spread.classes,
        largest_class=spread.largest,
    )


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None
