"""The seams that a training goes through at every step, as one function each: the way through a director costs more than it notes.

They note what `Observer.before_hook`, `after_hook` and `drew` note, for a director that hands every call through as it was made.
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable
from threading import get_ident
from typing import Any

from fitdoctor.probe.patches import Patches
from fitdoctor.probe.timer import LONG_S, FitTimer

Stamp = Callable[[FitTimer], None]
Stamps = tuple[Stamp | None, Stamp | None]


def hook(director: Any, name: str, original: Callable[..., Any], patches: Patches, stamps: Stamps) -> Callable[..., Any]:
    """A hook of Keras' list of callbacks with a stamp on either side.

    Args:
        director: Has the `timer` of the fit that runs, and is told by `failed_in_hook` what went wrong.
        name: Of the hook.
        original: Keras' function.
        patches: Say whether the seams are in force.
        stamps: What the timer notes first, and what it notes when the callbacks have returned.
    """
    clock, main, first, last = time.perf_counter, director.main, *(stamp or _nothing for stamp in stamps)
    ends_step = name == "on_train_batch_end"

    @functools.wraps(original)
    def wrapper(callbacks: Any, batch: Any, logs: Any = None) -> Any:
        timer = director.timer
        if timer is None or (timer.resting and not ends_step) or not patches.live or get_ident() != main:
            return original(callbacks, batch, logs)
        if timer.resting:
            result = original(callbacks, batch, logs)
            timer.mark_s = clock()
            timer.resting -= 1
            if not timer.resting:
                try:
                    timer.rested_enough()
                except Exception as error:
                    director.failed_in_hook(name, error)
            return result
        try:
            first(timer)
        except Exception as error:
            director.failed_in_hook(name, error)
        result = original(callbacks, batch, logs)
        try:
            last(timer)
        except Exception as error:
            director.failed_in_hook(name, error)
        return result

    return wrapper


def suits(original: Callable[..., Any]) -> bool:
    """Whether a hook takes what those of batches have always taken: other arguments cost more to hand through."""
    return tuple(inspect.signature(original).parameters) == ("self", "batch", "logs")


def advance(director: Any, original: Callable[..., Any], patches: Patches) -> Callable[..., Any]:
    """The advance of an epoch's iterator, whose time the loop waits."""
    clock, main = time.perf_counter, director.main

    @functools.wraps(original)
    def wrapper(iterator: Any) -> Any:
        timer = director.timer
        if timer is None or not patches.live or get_ident() != main:
            return original(iterator)
        began_s = clock()
        try:
            return original(iterator)
        finally:
            seconds = clock() - began_s
            if timer.resting and seconds < LONG_S and not director.in_loop:
                timer.drawn_s += seconds
            else:
                director.drew(seconds)

    return wrapper


def computed(director: Any, original: Callable[..., Any], patches: Patches) -> Callable[..., Any]:
    """The place where a step's logs become numbers, on whatever thread: after it, the step was computed."""

    @functools.wraps(original)
    def wrapper(callbacks: Any, batch: Any, logs: Any = None) -> Any:
        result = original(callbacks, batch, logs)
        timer = director.timer
        if timer is not None and timer.following and patches.live:
            director.computed(callbacks, batch, logs)
        return result

    return wrapper


def _nothing(timer: FitTimer) -> None:
    """What is noted where there is nothing to note."""
