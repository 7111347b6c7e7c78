"""Short texts that show whether a model, its callbacks and the random generators have changed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from fitdoctor.probe.state.model_snapshot import read

# Attributes in which fit keeps its validation data, in Keras 3 and in tf_keras.
EVALUATIONS = ("_eval_epoch_iterator", "_eval_data_handler")
# Attributes that fit sets on a model, beside its variables.
FUNCTIONS = ("train_function", "test_function", "predict_function", "history", "stop_training", *EVALUATIONS)
FLAGS = ("built", "compiled", "run_eagerly", "jit_compile", "steps_per_execution", "trainable", "stop_training")
PLAIN = (bool, int, float, str, bytes, type(None))
# Nested lists that are compared by their items. A list may hold itself.
DEEPEST = 4
LARGEST_ARRAY_BYTES = 1 << 26


def of_variables(variables: Iterable[Any]) -> str:
    """One hash of the names, shapes and values of all variables."""
    total = hashlib.blake2b(digest_size=16)
    for variable in variables:
        total.update(f"{getattr(variable, 'path', variable.name)}{variable.shape}".encode())
        total.update(np.ascontiguousarray(read(variable)).tobytes())
    return total.hexdigest()


def of_random_generators() -> dict[str, str]:
    """The state of the generators of the whole process: Python's and NumPy's."""
    numpys: Any = np.random.get_state()
    return {
        "Python's random generator": str(hash(random.getstate())),
        "NumPy's random generator": f"{_hash(numpys[1])} {numpys[2:]}",
    }


def of_flags(model: Any) -> dict[str, str]:
    """The attributes that `compile` and fit set on a model."""
    found = {f"model.{name}": str(getattr(model, name, None)) for name in FLAGS}
    return found | {f"model.{name}": str(id(vars(model).get(name))) for name in FUNCTIONS if name in vars(model)}


def of_attributes(thing: Any, number: int) -> dict[str, str]:
    """The attributes of a callback or a data object, which is the `number`-th of its kind."""
    return {f"{name} ({number})": of_value(value) for name, value in vars(thing).items() if not name.startswith("__")}


def of_value(value: Any, depth: int = 0) -> str:
    """The text of a plain value, the hash of a small array, or the identity of anything else."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, (list, tuple)) and depth < DEEPEST:
        return f"{type(value).__name__}({', '.join(of_value(part, depth + 1) for part in value)})"
    if isinstance(value, dict) and depth < DEEPEST:
        return f"dict({', '.join(f'{name!r}: {of_value(part, depth + 1)}' for name, part in value.items())})"
    if isinstance(value, np.ndarray) and value.nbytes < LARGEST_ARRAY_BYTES and not value.dtype.hasobject:
        return _hash(value)
    return f"{type(value).__name__} {id(value)}"


def _hash(array: Any) -> str:
    return hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=16).hexdigest()
