"""The training: its fits and loops, how they learn, and where they ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitdoctor.report.results.basic import Location


@dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """The state of a fit after an epoch."""

    call: int
    epoch: int
    # Seconds since the call of `fit` began.
    s: float
    learning_rate: float | None
    # The logs that callbacks received.
    logs: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerLearning:
    """How a layer learns. None stands for what was not measured.

    All figures but `moved_share` are of one batch, at the beginning of the fit.
    """

    layer: str
    kind: str = ""
    activation: str = ""
    # How much an epoch moves the weights, as a share of their size, in a sample of them.
    moved_share: float | None = None
    # The norm of the weights, and of their gradient.
    weight_norm: float | None = None
    gradient_norm: float | None = None
    # The mean and the standard deviation of the outputs.
    output_mean: float | None = None
    output_std: float | None = None
    # The share of units whose outputs are all zero.
    dead_units: float | None = None
    # The share of outputs at the flat ends of the activation.
    saturated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSummary:
    """Statistics of one input or target of a fit, from a sample. None stands for infinity."""

    name: str
    dtype: str
    # Which rows the sample has, and how many.
    sample: Literal["evenly spaced", "first batches"]
    rows: int
    features: int
    mean: float | None
    std: float | None
    low: float | None
    high: float | None
    # The smallest and the largest standard deviation of a single feature.
    least_std: float | None
    most_std: float | None
    # The shares of zeros, and of values that are not finite.
    zeros: float
    nonfinite: float
    # How many classes there are where each row is one, and the share of the most frequent; else 0.
    classes: int
    largest_class: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """How a fit learns."""

    curve: tuple[CurvePoint, ...] = ()
    layers: tuple[LayerLearning, ...] = ()
    data: tuple[DataSummary, ...] = ()
    # What could not be measured, and why.
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FitSummary:
    """All calls of `fit` from one place."""

    site: Location
    calls: int
    epochs: int
    steps_per_epoch: int | None
    batch_size: int | None
    # The share of the whole training.
    share: float
    learning: Learning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSummary:
    """All calls of `predict`, `evaluate` or another method of the model from one place."""

    site: Location
    kind: str
    calls: int
    # The share of the whole training.
    share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """The whole training, and how long it takes as it stands."""

    backend: str
    fits: tuple[FitSummary, ...]
    loops: tuple[LoopSummary, ...]
    projected_s: float
    # What the length rests on: the arguments of `fit`, an upper bound where a callback may stop it, or a run.
    basis: Literal["declared", "upper bound", "observed", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The software and the machine of the training."""

    python: str = ""
    keras: str = ""
    backend: str = ""
    backend_version: str = ""
    platform: str = ""
    cores: int = 0
    devices: tuple[str, ...] = ()
    memory_bytes: int = 0
