"""What all parts of a report are made of: intervals, places, evidence, safety."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

# How far a diagnosis has come. A training that was only watched was not tried: nothing is promised.
ReportStage = Literal["first answer", "final", "watched"]

# What a remedy does to the numbers of the training: none, other rounding, or another training.
Safety = Literal["exact", "numerics", "semantics"]

# The backends of Keras by their names, as a reader knows them. `tf_keras` is Keras 2, which runs on TensorFlow only.
BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch", "tf_keras": "tf_keras"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A 95 % interval with its best estimate."""

    low: float
    mid: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place in the user's source."""

    # Relative to the folder of the script, where it is below that; else absolute.
    file: str
    line: int
    # The first line of the code there, where it is known.
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One fact in the user's own numbers."""

    # A whole sentence.
    text: str
    # The figure of the sentence, for machines.
    value: float | None = None
    unit: str = ""
