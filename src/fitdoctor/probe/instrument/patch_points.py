"""Where the seams are put: each place in Keras by name, and what is not seen where this Keras does not have it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from fitdoctor.probe import backends

HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end",
         "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end")  # fmt: skip
UNITS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An attribute of a class of Keras'. `owner` is None where the class itself is not there.

    `kind` is what its seam does: "unit", "hook", "compile", "advance" (the loop's next step), "steps" (the same in
    Keras before 3.7, as a generator) or "draws" (the iterator that the train function draws from). "computed" has none:
    where Keras waits for a step on a thread of its own, what it keeps of that wait tells the probe.
    """

    kind: str
    owner: type | None
    owner_name: str
    name: str
    without: str

    @property
    def found(self) -> bool:
        """Whether this Keras has it."""
        return self.owner is not None and hasattr(self.owner, self.name)

    @property
    def missing(self) -> str:
        """The sentence for the report."""
        return f"This Keras has no {self.owner_name}.{self.name}: {self.without}."


def places(keras: ModuleType) -> Iterator[Place]:
    """All places of the backend that the script runs on.

    Raises:
        LookupError: No class of Keras' models has a `fit`, so that nothing at all can be seen.
    """
    trainer = next((cls for cls in keras.Model.__mro__ if "fit" in vars(cls)), None)
    if trainer is None:
        raise LookupError("no class of keras.Model has a method fit")
    for name in UNITS:
        yield Place(
            kind="unit", owner=trainer, owner_name=trainer.__name__, name=name, without=f"calls of {name} are not seen"
        )
    callbacks, owner_name = getattr(keras.callbacks, "CallbackList", None), "CallbackList"
    for name in HOOKS:
        without = f"what happens at {name} is not told apart"
        yield Place(kind="hook", owner=callbacks, owner_name=owner_name, name=name, without=without)
    shared = next((cls for cls in keras.Model.__mro__ if "compile" in vars(cls)), None)
    without = "how often a model is compiled, and where, is not known"
    yield Place(
        kind="compile",
        owner=shared,
        owner_name=shared.__name__ if shared is not None else "Model",
        name="compile",
        without=without,
    )
    if keras.__name__ != backends.LEGACY:
        yield from _of_the_backend(keras, callbacks)


def _of_the_backend(keras: ModuleType, callbacks: type | None) -> Iterator[Place]:
    backend = backends.of(keras)
    module, owner_name = backend.EPOCH_ITERATOR
    iterator = _class(module, owner_name)
    kind, name = ("steps", "enumerate_epoch") if _is_before_3_7(iterator) else ("advance", "__next__")
    without = "an epoch can't be cut short, and what the loop waits for its input is not known"
    yield Place(kind=kind, owner=iterator, owner_name=owner_name, name=name, without=without)
    if backend.drawn_in() == "function":
        without = "what the train function waits for its input is not known"
        yield Place(kind="draws", owner=iterator, owner_name=owner_name, name="_get_iterator", without=without)
    if backends.name_of(keras) in backends.ASYNCHRONOUS:
        without = "what the device computes while the loop goes on is not known"
        yield Place(
            kind="computed", owner=callbacks, owner_name="CallbackList", name="_async_dispatch", without=without
        )


def _is_before_3_7(iterator: type | None) -> bool:
    return iterator is not None and not hasattr(iterator, "__next__") and hasattr(iterator, "enumerate_epoch")


def _class(module: str, name: str) -> type | None:
    try:
        found: Any = getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None
    return found if isinstance(found, type) else None
