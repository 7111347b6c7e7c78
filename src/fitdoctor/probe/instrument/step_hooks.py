"""The seams that a training goes through at every step, as one function each: the way through a role costs more
than it notes.

They note what `FitRecorder` and `batch_waited` of a role note, for a role that hands every call through as it
was made. While the steps of a fit are not looked at, one comparison is all that most of them make (see `Rest`), or they
step aside (see `Aside`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.support.hidden_frames import unnoticed
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import LONG_S

Stamp = Callable[[FitTimer], None]
Stamps = tuple[Stamp | None, Stamp | None]


def hook(role: Any, name: str, original: Callable[..., Any], patches: Patches, stamps: Stamps) -> Callable[..., Any]:
    """A hook of Keras' list of callbacks with a stamp on either side.

    Args:
        role: Has the `timer` of the fit that runs and its `rest`, and is told by `failed_in_hook` what went wrong.
        name: Of the hook.
        original: Keras' function.
        patches: Say whether the seams are in force.
        stamps: What the timer notes first, and what it notes when the callbacks have returned.
    """
    main, get_ident, first, last = role.main, threading.get_ident, *(stamp or _nothing for stamp in stamps)

    def looked_at(callbacks: Any, batch: Any, logs: Any) -> Any:
        timer = role.timer
        if timer is None or role.current_call or not patches.live or get_ident() != main:
            return original(callbacks, batch, logs)
        try:
            first(timer)
        except Exception as error:
            role.failed_in_hook(name, error)
        result = original(callbacks, batch, logs)
        try:
            if role.timer is timer:
                if ends and timer.following:
                    role.step_sent(timer, callbacks, batch)
                last(timer)
        except Exception as error:
            role.failed_in_hook(name, error)
        return result

    ends = name == "on_train_batch_end"
    seam = (_end if ends else _begin)(role, name, original, unnoticed(looked_at))
    if "train" in name:
        role.rest.aside.seams[name] = seam, original
    return seam


def _begin(role: Any, name: str, original: Callable[..., Any], looked_at: Callable[..., Any]) -> Callable[..., Any]:
    rest = role.rest

    def wrapper(self: Any, batch: Any, logs: Any = None) -> Any:
        if self is rest.of:
            return original(self, batch, logs)
        return looked_at(self, batch, logs)

    return wrapper


def _end(role: Any, name: str, original: Callable[..., Any], looked_at: Callable[..., Any]) -> Callable[..., Any]:
    """What counts the steps that nobody looks at."""
    rest, clock = role.rest, time.perf_counter

    def wrapper(self: Any, batch: Any, logs: Any = None) -> Any:
        if self is not rest.of:
            return looked_at(self, batch, logs)
        result = original(self, batch, logs)
        before_s, rest.ended_s = rest.ended_s, clock()
        rest.left -= 1
        long = rest.passing and rest.ended_s - before_s >= LONG_S
        if (long or not rest.left) and rest.of is self:
            try:
                if rest.left:
                    role.timer.long_step()
                else:
                    role.timer.rested_enough()
            except Exception as error:
                role.failed_in_hook(name, error)
        return result

    return wrapper


def suits(original: Callable[..., Any]) -> bool:
    """Whether a hook takes what those of batches have always taken: other arguments cost more to hand through."""
    return tuple(inspect.signature(original).parameters) == ("self", "batch", "logs")


def advance(role: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """The advance of an epoch's iterator, whose time the loop waits."""
    clock, rest = time.perf_counter, role.rest

    def wrapper(self: Any) -> Any:
        if self is not rest.source:
            if not role.draws_training_batch():
                return original(self)
            if rest.of is not None:
                rest.source = self
        asked_s = clock()
        batch = original(self)
        seconds = clock() - asked_s
        if self is rest.source and seconds < LONG_S:
            rest.drawn_s += seconds
        else:
            role.batch_waited(seconds)
        return batch

    return wrapper


def _nothing(timer: FitTimer) -> None:
    """What is noted where there is nothing to note."""
