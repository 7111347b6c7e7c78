"""Keeps the state of a model, its callbacks and its data objects, and restores it after trials."""

from __future__ import annotations

import collections
import random
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.state.model_snapshot import read
from fitdoctor.probe.support import call_sites
from fitdoctor.probe.trainer import tf_keras_state

# Arrays in attributes, such as a shuffled order of rows, are kept up to this size. Larger ones are data.
LARGEST_ARRAY_BYTES = 64 << 20

CONTAINERS: tuple[type, ...] = (list, set, collections.deque)

Restore = Callable[[], None]


class ObjectState:
    """The current state of some objects and of all objects that belong to them.

    Layers, optimizers, metrics, losses, callbacks, data sets and instances of the user's own classes are kept: their
    attributes, the lists, dicts and sets in them, and the values of variables, small arrays and random generators.
    `restore` changes these objects; it replaces none by a copy.

    Args:
        *roots: The objects to begin with.
        without: Objects that are skipped, with those that only belong to them.

    Example:
        >>> before = ObjectState(model, callbacks)
        >>> model.fit(x, y, callbacks=callbacks)
        >>> before.restore()
    """

    def __init__(self, *roots: Any, without: tuple[Any, ...] = ()) -> None:
        self._followed = _stateful_types()
        self._variables = _variable_types()
        self._seen: dict[int, Any] = {id(value): value for value in without}
        self._restores: list[Restore] = []
        waiting = list(roots)
        while waiting:
            value = waiting.pop()
            if id(value) not in self._seen:
                self._seen[id(value)] = value  # keeps it alive, so that no other object gets its id
                waiting += self._keep(value)

    def restore(self) -> None:
        """Restores every object. May be called again."""
        for restore in self._restores:
            restore()

    def _keep(self, value: Any) -> Iterator[Any]:
        """Keeps the state of one object, and yields the objects that belong to it."""
        kind = type(value)
        if isinstance(value, self._variables):
            self._keep_variable(value)
        elif isinstance(value, np.ndarray):
            if value.nbytes <= LARGEST_ARRAY_BYTES and value.flags.writeable and not value.dtype.hasobject:
                self._restores.append(partial(np.copyto, value, value.copy()))
        elif isinstance(value, np.random.Generator):
            self._restores.append(partial(setattr, value.bit_generator, "state", value.bit_generator.state))
        elif isinstance(value, random.Random):
            self._restores.append(partial(value.setstate, value.getstate()))
        elif issubclass(kind, tuple):
            yield from value
        elif issubclass(kind, dict):
            saved = dict(dict.items(value))
            self._restores.append(partial(_restore_dict, value, saved))
            yield from [*saved.values(), *self._keep_attributes(value)]
        elif issubclass(kind, CONTAINERS):
            items = list(_base(value).__iter__(value))
            self._restores.append(partial(_restore_container, value, items))
            yield from [*items, *self._keep_attributes(value)]
        elif isinstance(value, dict):  # a proxy of TensorFlow
            yield getattr(value, "__wrapped__", None)
        elif self._is_followed(value):
            yield from self._keep_attributes(value)

    def _keep_attributes(self, value: Any) -> list[Any]:
        """Keeps attributes, also of containers: TensorFlow's wrappers of lists keep their items in one."""
        attributes = getattr(value, "__dict__", None)
        if not isinstance(attributes, dict):
            return []
        self._restores.append(partial(_restore_dict, attributes, dict(attributes)))
        return list(attributes.values())

    def _keep_variable(self, variable: Any) -> None:
        try:
            value = read(variable).copy()
        except (ValueError, TypeError, RuntimeError, AttributeError):  # it has no value yet
            return
        self._restores.append(lambda: variable.assign(value))

    def _is_followed(self, value: Any) -> bool:
        if isinstance(value, type) or not hasattr(value, "__dict__"):
            return False
        return isinstance(value, self._followed) or _is_of_users_class(value)


def _stateful_types() -> tuple[type, ...]:
    if backends.name() == backends.LEGACY:
        return tf_keras_state.stateful_types()
    import keras
    from keras.src.saving.keras_saveable import KerasSaveable
    from keras.src.utils.tracking import Tracker

    return (KerasSaveable, Tracker, keras.callbacks.Callback, keras.utils.PyDataset, keras.random.SeedGenerator)


def _variable_types() -> tuple[type, ...]:
    tf = backends.in_use("tensorflow")
    if tf is not None and backends.name() == backends.LEGACY:
        return (tf.Variable,)
    import keras

    return (keras.Variable,) if tf is None else (keras.Variable, tf.Variable)


def _is_of_users_class(value: Any) -> bool:
    module = type(value).__module__
    if module in ("__main__", "__mp_main__"):
        return not callable(getattr(value, "__get__", None))  # functions are skipped
    file = getattr(sys.modules.get(module), "__file__", None)
    return file is not None and call_sites.is_users(file)


def _restore_dict(current: dict[Any, Any], saved: dict[Any, Any]) -> None:
    """Restores a dict if it has changed, without the tracking of Keras' own dicts."""
    now = dict(dict.items(current))
    if len(now) == len(saved) and all(name in now and now[name] is value for name, value in saved.items()):
        return
    kind = collections.OrderedDict if isinstance(current, collections.OrderedDict) else dict
    kind.clear(current)
    for name, value in saved.items():
        kind.__setitem__(current, name, value)


def _restore_container(current: Any, saved: list[Any]) -> None:
    kind = _base(current)
    now = list(kind.__iter__(current))
    if len(now) == len(saved) and all(one is other for one, other in zip(now, saved, strict=True)):
        return
    kind.clear(current)
    (kind.update if kind is set else kind.extend)(current, saved)


def _base(container: Any) -> Any:
    return next(base for base in CONTAINERS if isinstance(container, base))
