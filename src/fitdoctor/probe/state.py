"""Puts a model back to where it was, and compares what two arms made of it."""

from __future__ import annotations

from typing import Any

import numpy as np

CLOSE = 0.05
"""Largest difference between two updates, as a share of the update itself, that other rounding explains over a few steps."""


class Snapshot:
    """Copies of all variables of a model and its optimizer, random seeds included.

    Args:
        model: A built model whose optimizer is built.
    """

    def __init__(self, model: Any) -> None:
        self._variables = [*model.variables, *model.optimizer.variables, *getattr(model, "metrics_variables", ())]
        self._values = [_copy(variable) for variable in self._variables]
        self._weights = list(model.trainable_variables)

    @property
    def bytes(self) -> int:
        return int(sum(value.nbytes for value in self._values))

    def restore(self) -> None:
        """Assigns every copy back."""
        for variable, value in zip(self._variables, self._values, strict=True):
            variable.assign(value)

    def weights(self) -> list[Any]:
        """The trainable weights as they are now, as NumPy copies."""
        return [_copy(weight) for weight in self._weights]


def _copy(variable: Any) -> Any:
    # Not `np.array(variable)`: it asks the variable itself for a copy, which Keras' do not know of, and NumPy 2 warns of that.
    return np.asarray(variable).copy()


def compare(start: list[Any], ours: list[Any], theirs: list[Any]) -> str:
    """Says how two sets of weights that both came from `start` differ: "same", "close" or "different"."""
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True)):
        return "same"
    difference = np.sqrt(sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(ours, theirs, strict=True)))
    update = np.sqrt(sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(ours, start, strict=True)))
    return "close" if difference <= CLOSE * update else "different"
