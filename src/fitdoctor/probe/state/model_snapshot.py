"""Keeps and restores the variables of a model, and compares two sets of weights."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.trainer import tf_keras_state

# The largest difference between two updates that rounding explains over a few steps, as a share of the update.
CLOSE = 0.05
# The largest size of the variables that a snapshot copies.
MOST_BYTES = 2 << 30


class Snapshot:
    """Copies of all variables of a model and its optimizers, including random seeds.

    Args:
        model: A built model with a built optimizer.
    """

    def __init__(self, model: Any) -> None:
        self._variables = variables_of(model)
        self._values = [_copy(variable) for variable in self._variables]
        self._weights = list(model.trainable_variables)

    def restore(self, *, counters: bool = True) -> None:
        """Restores all variables. Without `counters`, integer scalars keep their values."""
        for variable, value in zip(self._variables, self._values, strict=True):
            if counters or not is_counter(variable):
                variable.assign(value)

    def weights(self) -> list[Any]:
        """NumPy copies of the current trainable weights."""
        return [_copy(weight) for weight in self._weights]


def variables_of(model: Any) -> list[Any]:
    """Every variable that training may change, each once.

    They belong to layers, metrics, seeds and optimizers, or are plain TensorFlow variables.
    """
    if backends.is_legacy(model):
        return list({id(variable): variable for variable in tf_keras_state.variables_of(model)}.values())
    import keras

    found = [*model.variables, *getattr(model, "metrics_variables", ())]
    held = [value for layer in model._flatten_layers() for value in vars(layer).values()]
    for value in [getattr(model, "optimizer", None), *held]:
        if isinstance(value, keras.optimizers.Optimizer):
            found += value.variables
        elif (tf := backends.in_use("tensorflow")) is not None and isinstance(value, tf.Variable):
            found.append(value)
        elif tf is not None and isinstance(value, tf.random.Generator):
            found.append(value.state)
    return list({id(variable): variable for variable in found}.values())


def bytes_of(model: Any) -> int:
    """The size of a snapshot of a model."""
    return sum(int(np.prod(variable.shape)) * _item_bytes(variable.dtype) for variable in variables_of(model))


def is_counter(variable: Any) -> bool:
    """Whether a variable is an integer scalar, such as an optimizer's count of steps."""
    return len(variable.shape) == 0 and "int" in str(getattr(variable.dtype, "name", variable.dtype))


def read(variable: Any) -> Any:
    """The value of a variable as an array.

    It may share the memory of the variable, which JAX reuses later.
    """
    if backends.on_tensorflow():
        # Not `np.array(variable)`: it asks for a copy, which Keras variables do not support, and NumPy 2 warns.
        return np.asarray(variable)
    import keras

    return keras.ops.convert_to_numpy(variable)


def _copy(variable: Any) -> Any:
    return read(variable).copy()


def _item_bytes(dtype: Any) -> int:
    """The size of a type by its name: NumPy does not know all types of the frameworks."""
    bits = re.match(r"[a-z]+(\d+)", str(getattr(dtype, "name", dtype)))
    return int(bits.group(1)) // 8 if bits else 1


def compare(start: list[Any], ours: list[Any], theirs: list[Any]) -> str:
    """Compares two sets of weights with a common `start`: "same", "close" or "different"."""
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True)):
        return "same"
    difference = np.sqrt(sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(ours, theirs, strict=True)))
    update = np.sqrt(sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(ours, start, strict=True)))
    return "close" if difference <= CLOSE * update else "different"
