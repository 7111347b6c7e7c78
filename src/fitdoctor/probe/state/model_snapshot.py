"""Puts a model back to where it was, and compares what two arms made of it."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.trainer import tf_keras_state

CLOSE = 0.05
"""Largest difference between two updates, as a share of the update itself, that other rounding explains over a few
steps.
"""
MOST_BYTES = 2 << 30
"""Of variables, which a snapshot keeps once more."""


class Snapshot:
    """Copies of all variables of a model and its optimizers, random seeds included.

    Args:
        model: A built model whose optimizer is built.
    """

    def __init__(self, model: Any) -> None:
        self._variables = variables_of(model)
        self._values = [_copy(variable) for variable in self._variables]
        self._weights = list(model.trainable_variables)

    def restore(self, *, counters: bool = True) -> None:
        """Assigns every copy back; without `counters`, scalars of whole numbers go on counting."""
        for variable, value in zip(self._variables, self._values, strict=True):
            if counters or not is_counter(variable):
                variable.assign(value)

    def weights(self) -> list[Any]:
        """The trainable weights as they are now, as NumPy copies."""
        return [_copy(weight) for weight in self._weights]


def variables_of(model: Any) -> list[Any]:
    """Every variable that training may change, each once.

    They are those of layers, metrics and seeds, of all optimizers that the model holds, and plain ones of TensorFlow.
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
    """What a snapshot of a model would hold."""
    return sum(int(np.prod(variable.shape)) * _item_bytes(variable.dtype) for variable in variables_of(model))


def is_counter(variable: Any) -> bool:
    """Whether a variable is one whole number, such as an optimizer's count of steps."""
    return len(variable.shape) == 0 and "int" in str(getattr(variable.dtype, "name", variable.dtype))


def read(variable: Any) -> Any:
    """The value of a variable as an array.

    It may share the variable's memory, which JAX gives to another value later.
    """
    if backends.on_tensorflow():
        # Not `np.array(variable)`: it asks the variable itself for a copy, which Keras' do not know of, and NumPy 2
        # warns of that.
        return np.asarray(variable)
    import keras

    return keras.ops.convert_to_numpy(variable)


def _copy(variable: Any) -> Any:
    return read(variable).copy()


def _item_bytes(dtype: Any) -> int:
    """Of a type by its name: NumPy does not know all that frameworks have."""
    bits = re.match(r"[a-z]+(\d+)", str(getattr(dtype, "name", dtype)))
    return int(bits.group(1)) // 8 if bits else 1


def compare(start: list[Any], ours: list[Any], theirs: list[Any]) -> str:
    """Says how two sets of weights that both came from `start` differ: "same", "close" or "different"."""
    if all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True)):
        return "same"
    difference = np.sqrt(sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(ours, theirs, strict=True)))
    update = np.sqrt(sum(float(np.sum((a.astype(np.float64) - b) ** 2)) for a, b in zip(ours, start, strict=True)))
    return "close" if difference <= CLOSE * update else "different"
