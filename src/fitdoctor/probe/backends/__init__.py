"""Differences between the backends of Keras 3, one module each.

`tf_keras`, which is Keras 2, counts as a backend of its own. Every module has:

* `version()`: of the framework, for the report
* `devices()`: the accelerators in use; None as long as the script may still choose
* `is_distributed(model)`: whether the model is trained on several devices at once
* `drawn_in()`: who waits for the input: the "loop" itself, the train "function" in Python, or the compiled "graph"

The modules of Keras 3 also have:

* `EPOCH_ITERATOR`: the module and the name of the class that `fit` draws its steps from
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

KNOWN = ("tensorflow", "jax", "torch")
# Keras 2 as a package of its own, on TensorFlow only. TensorFlow also imports Keras 3.
LEGACY = "tf_keras"
ON_TENSORFLOW = ("tensorflow", LEGACY)

# Backends that compute a step while the loop already prepares the next one.
ASYNCHRONOUS = frozenset({"jax"})

_used: list[ModuleType] = []


def current() -> ModuleType:
    """The module of the backend that the script's Keras runs on. Keras must have been imported."""
    return of(keras_module())


def name() -> str:
    """The backend that the script's Keras runs on."""
    return name_of(keras_module())


def of(keras: ModuleType) -> ModuleType:
    """The module of the backend that a Keras runs on."""
    return importlib.import_module(f"fitdoctor.probe.backends.{name_of(keras)}")


def name_of(keras: ModuleType) -> str:
    """The backend that a Keras runs on."""
    return LEGACY if keras.__name__ == LEGACY else str(keras.config.backend())


def epoch_iterator() -> Any:
    """The class that `fit` draws its steps from."""
    module, name = current().EPOCH_ITERATOR
    return getattr(importlib.import_module(module), name)


def keras_module() -> ModuleType:
    """The Keras that the script uses: that of the last trained or called model, or Keras 3."""
    return _used[0] if _used else sys.modules["keras"]


def use(keras: ModuleType) -> None:
    """Selects the Keras that the script uses from now on. It may have imported several."""
    _used[:] = [keras]


def keras_of(thing: Any) -> ModuleType:
    """The Keras that a model, a callback or the like is derived from."""
    return sys.modules[LEGACY if is_legacy(thing) else "keras"]


def is_legacy(thing: Any) -> bool:
    """Whether a model, a callback or the like is derived from one of tf_keras."""
    return any(cls.__module__.partition(".")[0] == LEGACY for cls in type(thing).__mro__)


def tree() -> Any:
    """The module of the script's Keras that flattens nests and maps over them."""
    return sys.modules["tensorflow"].nest if keras_module().__name__ == LEGACY else keras_module().tree


def on_tensorflow() -> bool:
    """Whether the script's Keras runs on TensorFlow."""
    return name() in ON_TENSORFLOW


def loaded(framework: str) -> ModuleType | None:
    """A framework if the script has imported it, else None. We never import one first."""
    return sys.modules.get(framework)


def in_use(framework: str) -> ModuleType | None:
    """A framework if it is the backend of the script's Keras, else None."""
    used = name()
    return loaded(framework) if framework == ("tensorflow" if used == LEGACY else used) else None
