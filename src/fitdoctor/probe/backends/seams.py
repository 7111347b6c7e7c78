"""The places in Keras' `fit` where a probe stands, on every backend.

Everything is put in at class level when Keras was imported. The seams are those of Keras 3.6 and later: `fit` lives on the
backend's trainer, hooks on `CallbackList`, and the loop ends where the epoch iterator stops; in tf_keras, where its handler of data does.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

from fitdoctor.probe import backends
from fitdoctor.probe.backends import tf_keras
from fitdoctor.probe.patches import Patches
from fitdoctor.probe.unnoticed import unnoticed

OLDEST = (3, 6)
HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end",
         "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end")  # fmt: skip
UNITS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")

Original = Callable[..., Any]


class Director(Protocol):
    """What decides about the calls that a script makes: it gets the original and the arguments, and returns the result."""

    def unit(self, kind: str, original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any: ...

    def hook(self, name: str, original: Original, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any: ...

    def stop_here(self, iterator: Any) -> bool: ...

    def drew(self, seconds: float) -> None: ...

    def compiled(self, model: Any) -> None: ...

    def constructed(self, callback: Any) -> None: ...


def declined(keras: ModuleType) -> str:
    """Why this Keras can't be observed, or an empty string."""
    if keras.__name__ == backends.LEGACY:
        return tf_keras.declined(keras)
    version = str(keras.__version__)
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        return f"Received Keras {version}, expected Keras {OLDEST[0]}.{OLDEST[1]} or later. Upgrade Keras in the script's environment."
    backend = keras.config.backend()
    if backend not in backends.KNOWN:
        words = " or ".join(backends.KNOWN)
        return f"Received a script on the {backend} backend of Keras, expected {words}. Run it with KERAS_BACKEND={backends.KNOWN[0]}."
    return ""


def tell_of_fit(keras: ModuleType, told: Callable[[], None]) -> None:
    """Tells, for good, each time that a fit is about to begin, and puts in nothing else."""
    patches = Patches()
    trainer = next(cls for cls in keras.Model.__mro__ if "fit" in cls.__dict__)

    def fit(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        told()
        return original(model, *arguments, **keywords)

    _around(patches, trainer, "fit", fit)


def install(keras: ModuleType, director: Director, *, whole_process: bool = True) -> Patches:
    """Puts the seams in; the result takes them out again.

    Args:
        keras: The module.
        director: What decides from now on.
        whole_process: Whether they stay for good. Where not, nobody learns where callbacks are made: a `__new__` that was once
            put into a class can't be taken out again without a trace.
    """
    patches = Patches()
    CallbackList = keras.callbacks.CallbackList  # noqa: N806 - a class
    trainer, compiler = (next(cls for cls in keras.Model.__mro__ if name in cls.__dict__) for name in ("fit", "compile"))
    for name in UNITS:
        _around(patches, trainer, name, functools.partial(director.unit, name))
    for name in HOOKS:
        _around(patches, CallbackList, name, functools.partial(director.hook, name))

    def compile_(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        result = original(model, *arguments, **keywords)
        director.compiled(model)
        return result

    _around(patches, compiler, "compile", compile_)

    def advance(original: Original, iterator: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if director.stop_here(iterator):
            # A suspended generator would keep the input alive in a cycle until the interpreter's shutdown, which then may hang.
            iterator._epoch_iterator.close()
            iterator.data_adapter.on_epoch_end()  # what stands behind the loop that was closed: a `PyDataset` insists on it
            raise StopIteration
        if not waits_in_loop:
            return original(iterator)
        began_s = time.perf_counter()
        try:
            return original(iterator)
        finally:
            director.drew(time.perf_counter() - began_s)

    legacy = keras.__name__ == backends.LEGACY
    if legacy:
        tf_keras.stand_in_loop(patches, director.stop_here)
    else:
        backend = backends.of(keras)
        waits_in_loop = backend.WAITS_IN_LOOP
        _around(patches, backend.epoch_iterator(), "__next__", advance)

    if whole_process:
        for cls in (keras.callbacks.Callback, keras.utils.Sequence if legacy else keras.utils.PyDataset):
            cls.__new__ = _noted(cls, director.constructed)
    return patches


def _noted(owner: Any, constructed: Callable[[Any], None]) -> Callable[..., Any]:
    """A `__new__` for a class that has none of its own: it makes what that would make, and tells of it."""

    def new(cls: Any, *arguments: Any, **keywords: Any) -> Any:
        below = super(owner, cls).__new__
        made = below(cls) if below is object.__new__ else below(cls, *arguments, **keywords)
        constructed(made)
        return made

    return new


def _around(patches: Patches, cls: Any, name: str, decide: Callable[[Original, Any, tuple[Any, ...], dict[str, Any]], Any]) -> None:
    original = getattr(cls, name)

    @functools.wraps(original)
    def wrapper(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if not patches.live:
            return original(self, *arguments, **keywords)
        return decide(original, self, arguments, keywords)

    patches.put(cls, name, unnoticed(wrapper))
