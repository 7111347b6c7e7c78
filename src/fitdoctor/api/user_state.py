"""Saves and restores what the user has in memory, and checks that the restored state is the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fitdoctor.probe.apply import torch_loaders
from fitdoctor.probe.state import fingerprints as fingerprint
from fitdoctor.probe.state.fingerprints import FUNCTIONS
from fitdoctor.probe.state.object_state import ObjectState
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trainer import keras_internals

# Objects that `compile` makes and fit builds, besides the layers.
COMPILED = ("optimizer", "_compile_metrics", "_compile_loss", "compiled_metrics", "compiled_loss")


class UserState:
    """The state of a model, of the objects that fit gets with it, and of the random generators.

    Args:
        model: The model.
        given: Callbacks and data objects that have a state of their own.
        loaders: Each `DataLoader` among the data.

    Example:
        >>> state = UserState(model, callbacks)
        >>> model.fit(x, y, callbacks=callbacks)
        >>> state.restore()
        >>> state.differences()
        []
    """

    def __init__(self, model: Any, given: list[Any], loaders: Sequence[Any] = ()) -> None:
        self._model, self._given = model, given
        self._restore_generators = torch_loaders.keep_generators(loaders)
        self._objects, self._random = ObjectState(model, given), RandomState()
        self._before = fingerprints(model, given)

    def restore(self) -> None:
        self._objects.restore()
        self._random.restore()
        self._restore_generators()

    def differences(self) -> list[str]:
        """Returns the names of what differs from the saved state, by hashes."""
        now = fingerprints(self._model, self._given)
        return [name for name in self._before | now if self._before.get(name) != now.get(name)]


class UnbuiltState:
    """The state of a model that fit has yet to build. Its layers stay built, everything else is restored.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._attributes = {name: vars(model)[name] for name in FUNCTIONS if name in vars(model)}
        self._objects = ObjectState(*(getattr(model, name, None) for name in COMPILED))
        self._random = RandomState()

    def restore(self) -> None:
        self._objects.restore()
        self._random.restore()
        for name in FUNCTIONS:
            vars(self._model).pop(name, None)
        vars(self._model).update(self._attributes)


def is_built(model: Any) -> bool:
    """Returns whether all layers of a model are built."""
    return bool(model.built) and all(layer.built for layer in model._flatten_layers())


def fingerprints(model: Any, given: list[Any]) -> dict[str, str]:
    """Returns a short text for each thing that must not change; a hash for large ones."""
    optimizer = getattr(model, "optimizer", None)
    found = {
        "the weights": fingerprint.of_variables(model.variables),
        "the metrics": fingerprint.of_variables(each for metric in model.metrics for each in metric.variables),
        "the optimizer's variables": fingerprint.of_variables(keras_internals.optimizer_variables(model)),
        "whether the optimizer is built": str(getattr(optimizer, "built", getattr(optimizer, "_built", None))),
    }
    found |= fingerprint.of_random_generators() | fingerprint.of_flags(model)
    for number, thing in enumerate(given):
        found |= {
            f"{type(thing).__name__}.{name}": text for name, text in fingerprint.of_attributes(thing, number).items()
        }
    return found
