"""Whether the numbers of an input are of a size that a network can learn from at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import sqrt

from fitdoctor.facts.fit import FitFacts
from fitdoctor.recording.model import ColumnStatistics, InputArray

#: Initial weights and usual learning rates are made for numbers of a size around 1. Ten times that is where Adam at its
#: default rate was seen to need several times as many epochs; images from 0 to 255 and raw columns lie far above.
LARGE = 10.0
#: Below this, a whole row together hardly moves the first layer.
SMALL = 0.05
#: Deviations of two features that differ by more than this leave the smaller one unseen until the larger is learned.
UNEQUAL = 100.0
LEAST_ROWS = 16
#: From this many features on, whole numbers from 0 to 255 are the pixels of an image that was made flat.
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
    """A part of a fit's input that is far from unit scale. `together` says that one scale suits all of its features."""

    part: InputArray
    sizes: tuple[float, float]
    unequal: float
    together: bool


def unscaled_parts(fit: FitFacts) -> Iterator[UnscaledPart]:
    """The parts of a fit's input whose numbers are too large, too small or too unequal, with nothing in front that
    scales them.
    """
    for part in fit.record.inputs:
        spread = part.spread
        if (
            not is_input(part)
            or spread is None
            or spread.rows < LEAST_ROWS
            or not spread.mean
            or _is_cared_for(part, spread)
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


def _is_cared_for(part: InputArray, spread: ColumnStatistics) -> bool:
    met = set(part.layers)
    return bool(met & SCALING) or spread.whole and bool(met & NAMING)


def _unequal(spread: ColumnStatistics) -> float:
    """How many times as much the widest feature varies as the narrowest, those left out that are constant or only yes
    and no.
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
