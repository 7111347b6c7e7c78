"""Keeps what the user has in memory as it was: remembers it, puts it back, and looks whether that worked."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np

from fitdoctor.probe.randomness import RandomState
from fitdoctor.probe.remembered import Remembered

FUNCTIONS = ("train_function", "test_function", "predict_function", "history", "stop_training", "_eval_epoch_iterator")
"""What fit leaves on a model beside its variables."""
FLAGS = ("built", "compiled", "run_eagerly", "jit_compile", "steps_per_execution", "trainable", "stop_training")
COMPILED = ("optimizer", "_compile_metrics", "_compile_loss")
"""What `compile` makes, and fit builds, apart from the layers."""
PLAIN = (bool, int, float, str, bytes, type(None))
DEEPEST = 4
"""Lists in lists that are compared by what is in them; one may hold itself."""


class Intact:
    """The state of a model, what fit is given with it, and the random generators.

    Args:
        model: The model.
        given: Callbacks and data objects that have a state of their own.

    Example:
        >>> intact = Intact(model, callbacks)
        >>> model.fit(x, y, callbacks=callbacks)
        >>> intact.put_back()
        >>> intact.differences()
        []
    """

    def __init__(self, model: Any, given: list[Any]) -> None:
        self._model, self._given = model, given
        self._remembered, self._random = Remembered(model, given), RandomState()
        self._before = fingerprints(model, given)

    def put_back(self) -> None:
        self._remembered.put_back()
        self._random.put_back()

    def differences(self) -> list[str]:
        """What is another now, in a few words each: hashes taken anew against those of the beginning."""
        now = fingerprints(self._model, self._given)
        return [name for name in self._before | now if self._before.get(name) != now.get(name)]


class Unbuilt:
    """The same for a model that fit has yet to build: layers can't be unbuilt, all the rest is put back.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._attributes = {name: vars(model)[name] for name in FUNCTIONS if name in vars(model)}
        self._remembered = Remembered(*(getattr(model, name, None) for name in COMPILED))
        self._random = RandomState()

    def put_back(self) -> None:
        self._remembered.put_back()
        self._random.put_back()
        for name in FUNCTIONS:
            vars(self._model).pop(name, None)
        vars(self._model).update(self._attributes)


def is_built(model: Any) -> bool:
    """Whether fit would find nothing left to build in the layers of a model."""
    return bool(model.built) and all(layer.built for layer in model._flatten_layers())


def fingerprints(model: Any, given: list[Any]) -> dict[str, str]:
    """A short text for each thing that must not change, hashes where it is large."""
    optimizer = getattr(model, "optimizer", None)
    found = {
        "the weights": _digest(model.variables),
        "the metrics": _digest(model.metrics_variables),
        "the optimizer's variables": _digest(optimizer.variables) if optimizer is not None else "",
        "whether the optimizer is built": str(getattr(optimizer, "built", None)),
        "Python's random generator": str(hash(random.getstate())),
        "NumPy's random generator": str(np.random.get_state()),
    }
    found |= {f"model.{name}": str(getattr(model, name, None)) for name in FLAGS}
    found |= {f"model.{name}": str(id(vars(model).get(name))) for name in FUNCTIONS if name in vars(model)}
    for number, thing in enumerate(given):
        found |= {f"{type(thing).__name__}.{name}": text for name, text in _attributes(thing, number).items()}
    return found


def _digest(variables: list[Any]) -> str:
    total = hashlib.blake2b(digest_size=16)
    for variable in variables:
        total.update(f"{variable.path}{variable.shape}".encode())
        total.update(np.ascontiguousarray(np.asarray(variable)).tobytes())
    return total.hexdigest()


def _attributes(thing: Any, number: int) -> dict[str, str]:
    return {f"{name} ({number})": _text(value) for name, value in vars(thing).items() if not name.startswith("__")}


def _text(value: Any, depth: int = 0) -> str:
    """Plain values as they are written, small arrays by their bytes, everything else by which object it is."""
    if isinstance(value, PLAIN):
        return repr(value)
    if isinstance(value, (list, tuple)) and depth < DEEPEST:
        return f"{type(value).__name__}({', '.join(_text(part, depth + 1) for part in value)})"
    if isinstance(value, dict) and depth < DEEPEST:
        return f"dict({', '.join(f'{name!r}: {_text(part, depth + 1)}' for name, part in value.items())})"
    if isinstance(value, np.ndarray) and value.nbytes < 1 << 26 and not value.dtype.hasobject:
        return hashlib.blake2b(np.ascontiguousarray(value).tobytes(), digest_size=16).hexdigest()
    return f"{type(value).__name__} {id(value)}"
