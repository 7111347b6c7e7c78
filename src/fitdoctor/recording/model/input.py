"""What `fit` is given as data: arrays, stages of a pipeline, and the statistics of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.recording.model.site import Site


@dataclass(slots=True, kw_only=True)
class Operation:
    """One stage of an input pipeline, usually a call in the chain that makes a `tf.data.Dataset`."""

    # The name of the method: "map", "batch", …
    name: str
    # Its position in the chain. The source has 0.
    position: int
    # The call in the user's code. None where no line of theirs makes it.
    site: Site | None = None
    # The arguments of the call, by keyword or by position ("0", "1", …).
    arguments: dict[str, Any] = field(default_factory=dict)
    # Where the function that the stage is given is defined.
    function: Site | None = None
    # Whether the stage calls Python for each element.
    python: bool = False
    # Whether its function draws random numbers, or keeps state in TensorFlow.
    stateful: bool = False
    # Elements of one pass: -1 if endless, None if only a pass could count them.
    cardinality: int | None = None
    # Bytes of one element. None where unknown.
    element_bytes: int | None = None
    # Whether Keras adds the stage itself.
    by_keras: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnStatistics:
    """The distribution of the numbers of an input, in a sample of its rows.

    Lists hold one figure for each index of the last axis, a *feature*.
    """

    # Rows of the sample.
    rows: int
    # The length of the last axis. Where it exceeds a few hundred, evenly spaced indexes are sampled.
    features: int
    # The mean of each feature.
    mean: list[float] = field(default_factory=list)
    # The standard deviation of each feature.
    std: list[float] = field(default_factory=list)
    # The smallest value of each feature.
    low: list[float] = field(default_factory=list)
    # The largest value of each feature.
    high: list[float] = field(default_factory=list)
    # Whether all numbers of the sample are whole.
    whole: bool = False
    # The number of different values of each feature that holds only whole numbers; 0 for other features.
    distinct: list[int] = field(default_factory=list)
    # The share of numbers that are zero.
    zeros: float = 0.0
    # The share of numbers that are not finite.
    nonfinite: float = 0.0
    # Where a row holds one class (as a whole number, or one-hot): the number of classes; else 0.
    classes: int = 0
    # The share of the most frequent class; else 0.
    largest: float = 0.0
    # How many runs of equal classes follow each other from row to row; else 0.
    runs: int = 0


@dataclass(slots=True, kw_only=True)
class InputArray:
    """One array that `fit` is given, or one component of an element of its `tf.data.Dataset`, before any conversion."""

    # The path from fit's argument: `x`, `x['age']`, `y`, `sample_weight`.
    name: str
    # The type that holds it: "numpy.ndarray", "pandas.DataFrame", "h5py.Dataset", …; "tf.data" for a component.
    container: str
    # The NumPy name of the elements' type. Empty where it costs too much to find out.
    dtype: str = ""
    # Its shape; of a dataset's component, the shape of an element. None for an axis of unknown length.
    shape: list[int | None] = field(default_factory=list)
    # The size in bytes. 0 where unknown.
    bytes: int = 0
    # Statistics of its numbers. None where no sample was taken.
    spread: ColumnStatistics | None = None
    # The classes of the layers that first compute with it. Layers that only move numbers are left out.
    layers: list[str] = field(default_factory=list)
