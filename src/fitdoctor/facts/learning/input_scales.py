"""Whether the numbers of an input are too large, too small or too unequal for a network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import ColumnStatistics, InputArray

# Initial weights and usual learning rates suit numbers of a size around 1. At ten times that size, Adam with its
# default rate needed several times as many epochs. Images from 0 to 255 and raw columns are far larger.
LARGE = 10.0
# A row with a smaller norm hardly changes the output of the first layer.
SMALL = 0.05
# If the deviations of two features differ by more than this, the smaller feature is learned only after the larger.
UNEQUAL = 100.0
LEAST_ROWS = 16
# From this many features on, whole numbers from 0 to 255 are the pixels of a flattened image.
PIXELS, BRIGHTEST = 48, 255.0
# Layers that change the scale of their input.
SCALING = frozenset(
    {"Normalization", "Rescaling", "BatchNormalization", "LayerNormalization", "GroupNormalization",
     "UnitNormalization", "RMSNormalization", "SpectralNormalization", "Lambda", "TrueDivide", "Divide",
     "FloorDivide", "Multiply", "Subtract", "Log", "Log1p", "Sqrt", "Tanh", "Sigmoid", "Clip", "FeatureSpace",
     "TFSMLayer"}
)  # fmt: skip
# Layers that take whole numbers for names and not for amounts.
NAMING = frozenset(
    {"Embedding", "IntegerLookup", "StringLookup", "Hashing", "HashedCrossing", "Discretization",
     "CategoryEncoding", "TextVectorization", "OneHot"}
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class UnscaledPart:
    """A part of a fit's input that is far from unit scale."""

    # The part.
    part: InputArray
    # The smallest and the largest typical size of a feature.
    sizes: tuple[float, float]
    # The ratio of the largest deviation of a feature to the smallest.
    unequal: float
    # Whether one scale suits all features.
    together: bool


def unscaled_parts(fit: FitFacts) -> Iterator[UnscaledPart]:
    """The parts of a fit's input whose numbers are too large, too small or too unequal.

    Parts that a layer of the model scales first are left out.
    """
    for part in fit.record.inputs:
        spread = part.spread
        if (
            not is_input(part)
            or spread is None
            or spread.rows < LEAST_ROWS
            or not spread.mean
            or _is_scaled_by_model(part, spread)
        ):
            continue
        sizes = [sqrt(mean**2 + std**2) for mean, std in zip(spread.mean, spread.std, strict=True)]
        ratio = _unequal(spread)
        norm = sqrt(sum(size**2 for size in sizes) * spread.features / len(sizes))
        if max(sizes) > LARGE or ratio > UNEQUAL or 0 < norm < SMALL:
            yield UnscaledPart(
                part=part, sizes=(min(sizes), max(sizes)), unequal=ratio, together=_is_one_scale(part, spread, ratio)
            )


def is_input(part: InputArray) -> bool:
    """Whether a part is one of fit's `x`, and not of its targets or sample weights."""
    return part.name.partition("[")[0] == "x"


def _is_scaled_by_model(part: InputArray, spread: ColumnStatistics) -> bool:
    met = set(part.layers)
    return bool(met & SCALING) or spread.whole and bool(met & NAMING)


def _unequal(spread: ColumnStatistics) -> float:
    """The ratio of the largest deviation of a feature to the smallest.

    Constant features and features of 0 and 1 are left out.
    """
    deviations = [
        std
        for mean, std, low, high in zip(spread.mean, spread.std, spread.low, spread.high, strict=True)
        if std > 1e-9 * max(1.0, abs(mean)) and (low, high) != (0.0, 1.0)
    ]
    return max(deviations) / min(deviations) if deviations else 1.0


def _is_one_scale(part: InputArray, spread: ColumnStatistics, ratio: float) -> bool:
    image = len(part.shape) >= 4
    flat_image = spread.whole and spread.features >= PIXELS and min(spread.low) >= 0 and max(spread.high) <= BRIGHTEST
    return image or flat_image or ratio <= LARGE
