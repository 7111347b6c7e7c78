"""What differs between the backends of Keras 3: one module each, and the seams that all of them share.

A backend's module has:

* `EPOCH_ITERATOR`: the class that Keras' `fit` draws its steps from, by its module and its name
* `version()`: of the framework, as the report names it
* `devices()`: the accelerators that it uses; None as long as the script may still choose
* `is_distributed(model)`: whether the model is trained on several devices at once
* `drawn_in()`: who waits for the input: the "loop" itself, the train "function" in Python, or the compiled "graph"
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

KNOWN = ("tensorflow", "jax", "torch")
ASYNCHRONOUS = frozenset({"jax"})
"""Those whose steps are seen to be computed while the loop goes on."""


def current() -> ModuleType:
    """The module of the backend that the script's Keras runs on. Keras must have been imported."""
    return importlib.import_module(f"fitdoctor.probe.backends.{name()}")


def name() -> str:
    """The backend that the script's Keras runs on."""
    import keras

    return str(keras.config.backend())


def loaded(framework: str) -> ModuleType | None:
    """A framework, where the script has imported it: nothing of ours imports one on its behalf."""
    return sys.modules.get(framework)
