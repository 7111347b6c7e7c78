"""Keeps what the user has in memory as it was: remembers it, puts it back, and looks whether that worked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fitdoctor.probe.apply import torch_loaders
from fitdoctor.probe.state import fingerprints as fingerprint
from fitdoctor.probe.state.fingerprints import FUNCTIONS
from fitdoctor.probe.state.object_state import ObjectState
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trainer import keras_internals

COMPILED = ("optimizer", "_compile_metrics", "_compile_loss", "compiled_metrics", "compiled_loss")
"""What `compile` makes, and fit builds, apart from the layers."""


class Intact:
    """The state of a model, what fit is given with it, and the random generators.

    Args:
        model: The model.
        given: Callbacks and data objects that have a state of their own.
        loaders: Each `DataLoader` among the data.

    Example:
        >>> intact = Intact(model, callbacks)
        >>> model.fit(x, y, callbacks=callbacks)
        >>> intact.put_back()
        >>> intact.differences()
        []
    """

    def __init__(self, model: Any, given: list[Any], loaders: Sequence[Any] = ()) -> None:
        self._model, self._given = model, given
        self._put_generators_back = torch_loaders.keep_generators(loaders)
        self._remembered, self._random = ObjectState(model, given), RandomState()
        self._before = fingerprints(model, given)

    def restore(self) -> None:
        self._remembered.restore()
        self._random.restore()
        self._put_generators_back()

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
        self._remembered = ObjectState(*(getattr(model, name, None) for name in COMPILED))
        self._random = RandomState()

    def restore(self) -> None:
        self._remembered.restore()
        self._random.restore()
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
