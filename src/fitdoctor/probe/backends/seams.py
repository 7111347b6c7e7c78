"""The places in Keras 3's `fit` where a probe stands, on every backend.

Everything is put in at class level when Keras was imported. The seams are those of Keras 3.6 and later: `fit` lives on the
backend's trainer, hooks on `CallbackList`, and the loop ends where the epoch iterator stops.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, Protocol

from fitdoctor.probe import backends, light
from fitdoctor.probe.patches import Patches

OLDEST = (3, 6)
HOOKS = ("on_train_begin", "on_train_end", "on_epoch_begin", "on_epoch_end", "on_train_batch_begin", "on_train_batch_end",
         "on_test_begin", "on_test_end", "on_test_batch_begin", "on_test_batch_end")  # fmt: skip
UNITS = ("fit", "evaluate", "predict", "train_on_batch", "test_on_batch", "predict_on_batch")

Original = Callable[..., Any]


class Director(Protocol):
    """What decides about the calls that a script makes: it gets the original and the arguments, and returns the result.

    Attributes:
        stamped: Hooks that it lets through as they are, and what its timer notes before and after each.
        cuts: Whether it may end an epoch early.
    """

    @property
    def stamped(self) -> Mapping[str, light.Stamps]: ...

    @property
    def cuts(self) -> bool: ...

    def unit(self, kind: str, original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any: ...

    def hook(self, name: str, original: Original, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any: ...

    def stop_here(self, iterator: Any) -> bool: ...

    def drew(self, seconds: float) -> None: ...

    def compiled(self, model: Any) -> None: ...

    def constructed(self, callback: Any) -> None: ...


def declined(keras: ModuleType) -> str:
    """Why this Keras can't be observed, or an empty string."""
    version = str(keras.__version__)
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        return f"Received Keras {version}, expected Keras {OLDEST[0]}.{OLDEST[1]} or later. Upgrade Keras in the script's environment."
    backend = keras.config.backend()
    if backend not in backends.KNOWN:
        words = " or ".join(backends.KNOWN)
        return f"Received a script on the {backend} backend of Keras, expected {words}. Run it with KERAS_BACKEND={backends.KNOWN[0]}."
    return ""


def install(keras: ModuleType, director: Director, *, whole_process: bool = True) -> Patches:
    """Puts the seams in; the result takes them out again.

    Args:
        keras: The module.
        director: What decides from now on.
        whole_process: Whether they stay for good. Where not, nobody learns where callbacks are made: a `__new__` that was once
            put into a class can't be taken out again without a trace.
    """
    patches = Patches()
    from keras.src.callbacks.callback_list import CallbackList
    from keras.src.trainers.trainer import Trainer

    trainer = next(cls for cls in keras.Model.__mro__ if "fit" in cls.__dict__)
    for name in UNITS:
        _around(patches, trainer, name, functools.partial(director.unit, name))
    for name in HOOKS:
        if name in director.stamped and light.suits(original := getattr(CallbackList, name)):
            patches.put(CallbackList, name, light.hook(director, name, original, patches, director.stamped[name]))
        else:
            _around(patches, CallbackList, name, functools.partial(director.hook, name))

    def compile_(original: Original, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        result = original(model, *arguments, **keywords)
        director.compiled(model)
        return result

    _around(patches, Trainer, "compile", compile_)

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

    backend = backends.current()
    waits_in_loop = backend.WAITS_IN_LOOP
    iterator = backend.epoch_iterator()
    if director.cuts or waits_in_loop and not director.stamped:
        _around(patches, iterator, "__next__", advance)
    elif waits_in_loop:
        patches.put(iterator, "__next__", light.advance(director, iterator.__next__, patches))

    def new(cls: Any, *arguments: Any, **keywords: Any) -> Any:
        made = object.__new__(cls)
        director.constructed(made)
        return made

    def new_dataset(cls: Any, *arguments: Any, **keywords: Any) -> Any:
        made = super(keras.utils.PyDataset, cls).__new__(cls)
        director.constructed(made)
        return made

    if whole_process:
        keras.callbacks.Callback.__new__ = new
        keras.utils.PyDataset.__new__ = new_dataset
    return patches


def _around(patches: Patches, cls: Any, name: str, decide: Callable[[Original, Any, tuple[Any, ...], dict[str, Any]], Any]) -> None:
    original = getattr(cls, name)

    @functools.wraps(original)
    def wrapper(self: Any, *arguments: Any, **keywords: Any) -> Any:
        if not patches.live:
            return original(self, *arguments, **keywords)
        return decide(original, self, arguments, keywords)

    patches.put(cls, name, wrapper)
