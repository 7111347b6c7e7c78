"""Names the patch points in Keras, and what is not observed where this Keras lacks one."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fitdoctor.probe import backends

# The hooks of Keras' list of callbacks.
HOOKS = (
    "on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin",
    "on_train_batch_end", "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end",
)  # fmt: skip
# The methods of a model that run it on data.
UNITS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchPoint:
    """An attribute of a class in Keras that is patched.

    Attributes:
        kind: What the patch does: "unit", "hook", "compile", "advance" (the loop's next step), "steps" (the same in
            Keras before 3.7, as a generator) or "draws" (the iterator that the train function reads from). "computed"
            is not patched: where Keras waits for a step on a thread of its own, the probe reads the result of that.
        owner: The class, or None if this Keras lacks it.
        owner_name: Its name.
        name: Of the attribute.
        without: What is not observed without it, for the report.
    """

    kind: str
    owner: type | None
    owner_name: str
    name: str
    without: str

    @property
    def found(self) -> bool:
        """Whether this Keras has the attribute."""
        return self.owner is not None and hasattr(self.owner, self.name)

    @property
    def missing(self) -> str:
        """Returns the sentence for the report."""
        return f"This Keras has no {self.owner_name}.{self.name}: {self.without}."


def patch_points(keras: ModuleType) -> Iterator[PatchPoint]:
    """Yields all patch points of the backend that the script runs on.

    Raises:
        LookupError: No class of Keras' models has a `fit`, so nothing can be observed.
    """
    trainer = next((cls for cls in keras.Model.__mro__ if "fit" in vars(cls)), None)
    if trainer is None:
        raise LookupError("no class of keras.Model has a method fit")
    for name in UNITS:
        yield PatchPoint(
            kind="unit",
            owner=trainer,
            owner_name=trainer.__name__,
            name=name,
            without=f"calls of {name} are not recorded",
        )
    callbacks, owner_name = getattr(keras.callbacks, "CallbackList", None), "CallbackList"
    for name in HOOKS:
        without = f"the time of {name} is not measured"
        yield PatchPoint(kind="hook", owner=callbacks, owner_name=owner_name, name=name, without=without)
    shared = next((cls for cls in keras.Model.__mro__ if "compile" in vars(cls)), None)
    without = "how often a model is compiled, and where, is unknown"
    yield PatchPoint(
        kind="compile",
        owner=shared,
        owner_name=shared.__name__ if shared is not None else "Model",
        name="compile",
        without=without,
    )
    if keras.__name__ != backends.LEGACY:
        yield from _backend_patch_points(keras, callbacks)


def _backend_patch_points(keras: ModuleType, callbacks: type | None) -> Iterator[PatchPoint]:
    backend = backends.of(keras)
    module, owner_name = backend.EPOCH_ITERATOR
    iterator = _find_class(module, owner_name)
    kind, name = ("steps", "enumerate_epoch") if _is_before_3_7(iterator) else ("advance", "__next__")
    without = "an epoch can't be cut short, and how long the loop waits for its input is unknown"
    yield PatchPoint(kind=kind, owner=iterator, owner_name=owner_name, name=name, without=without)
    if backend.drawn_in() == "function":
        without = "how long the train function waits for its input is unknown"
        yield PatchPoint(kind="draws", owner=iterator, owner_name=owner_name, name="_get_iterator", without=without)
    if backends.name_of(keras) in backends.ASYNCHRONOUS:
        without = "how long the device computes while the loop goes on is unknown"
        yield PatchPoint(
            kind="computed", owner=callbacks, owner_name="CallbackList", name="_async_dispatch", without=without
        )


def _is_before_3_7(iterator: type | None) -> bool:
    return iterator is not None and not hasattr(iterator, "__next__") and hasattr(iterator, "enumerate_epoch")


def _find_class(module: str, name: str) -> type | None:
    try:
        found: Any = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return found if isinstance(found, type) else None
