"""The patches of functions that Keras calls at every step, as one flat function each.

They record the same as `before_hook` and `after_hook` of `FitRecorder`, and as `batch_waited` of a role that hands
every call through as it was made. A call through such a role costs more than what it records, so the code is inlined
here. While steps are skipped, most of these functions make one comparison (see `StepSkip`), or are not called at all
(see `HookBypass`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.support.hidden_frames import hide_frame
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import LONG_S

# What a timer notes at one side of a hook.
Stamp = Callable[[FitTimer], None]
# The stamps before and after a hook.
Stamps = tuple[Stamp | None, Stamp | None]


def hook(role: Any, name: str, original: Callable[..., Any], patches: Patches, stamps: Stamps) -> Callable[..., Any]:
    """Makes the replacement of a hook of Keras' list of callbacks, with a stamp before and after it.

    Args:
        role: It has the `timer` of the fit that runs and the `step_skip`. Its `failed_in_hook` gets
            every error of ours.
        name: Of the hook.
        original: Keras' function.
        patches: Say whether the patches are in force.
        stamps: What the timer notes before the callbacks are called, and after they have returned.
    """
    main, get_ident, first, last = role.main, threading.get_ident, *(stamp or _note_nothing for stamp in stamps)

    def sampled(callbacks: Any, batch: Any, logs: Any) -> Any:
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
    replacement = (_end if ends else _begin)(role, name, original, hide_frame(sampled))
    if "train" in name:
        role.step_skip.bypass.hooks[name] = replacement, original
    return replacement


def _begin(role: Any, name: str, original: Callable[..., Any], sampled: Callable[..., Any]) -> Callable[..., Any]:
    skip = role.step_skip

    def wrapper(self: Any, batch: Any, logs: Any = None) -> Any:
        if self is skip.callback_list:
            return original(self, batch, logs)
        return sampled(self, batch, logs)

    return wrapper


def _end(role: Any, name: str, original: Callable[..., Any], sampled: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the hook that counts the skipped steps, and ends or shortens the skip."""
    skip, clock = role.step_skip, time.perf_counter

    def wrapper(self: Any, batch: Any, logs: Any = None) -> Any:
        if self is not skip.callback_list:
            return sampled(self, batch, logs)
        result = original(self, batch, logs)
        before_s, skip.ended_s = skip.ended_s, clock()
        skip.steps_left -= 1
        long = skip.untimed_batches and skip.ended_s - before_s >= LONG_S
        if (long or not skip.steps_left) and skip.callback_list is self:
            try:
                if skip.steps_left:
                    role.timer.shorten_skip()
                else:
                    role.timer.skip_finished()
            except Exception as error:
                role.failed_in_hook(name, error)
        return result

    return wrapper


def has_known_parameters(original: Callable[..., Any]) -> bool:
    """Whether a hook takes the parameters that step hooks have always had.

    The wrappers name them: `*args` would cost more at each step.
    """
    return tuple(inspect.signature(original).parameters) == ("self", "batch", "logs")


def advance(role: Any, original: Callable[..., Any]) -> Callable[..., Any]:
    """Makes the replacement of the advance of an epoch's iterator, for whose time the loop waits."""
    clock, skip = time.perf_counter, role.step_skip

    def wrapper(self: Any) -> Any:
        if self is not skip.source:
            if not role.draws_training_batch():
                return original(self)
            if skip.callback_list is not None:
                skip.source = self
        requested_s = clock()
        batch = original(self)
        seconds = clock() - requested_s
        if self is skip.source and seconds < LONG_S:
            skip.waited_s += seconds
        else:
            role.batch_waited(seconds)
        return batch

    return wrapper


def _note_nothing(timer: FitTimer) -> None:
    """Is the stamp of a side at which nothing is noted."""
