"""Times each callback's own hooks. The list of callbacks and the callbacks themselves stay as the user made them."""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any, Protocol

from fitdoctor.probe import backends
from fitdoctor.probe.instrument import callback_patches, saving
from fitdoctor.probe.instrument.patch_points import HOOKS
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.hidden_frames import hide_frame
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.timing.device_overlap import SLOTS
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.recording.model import CallbackRecord, Duration

KERAS = ("keras.", f"{backends.LEGACY}.")
# Callbacks that Keras adds itself, and that take about the same time at each step. Others may do much at every
# hundredth step.
STEADY_CALLBACKS = ("History", "ProgbarLogger")
STEADY_HOOKS = ("on_train_batch_begin", "on_train_batch_end")

Restore = Callable[[], None]


class Role(Protocol):
    """Has the timer of the fit that runs, and the thread that is followed."""

    timer: FitTimer | None
    main: int


class CallbackTimer:
    """Times hooks of callbacks, on the loop's thread and on those beside it."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._counting = threading.Lock()
        # For each of the latest steps: its number, and the time of the hooks that ran beside the loop.
        self._beside: list[tuple[int, float]] = [(-1, 0.0)] * SLOTS

    def follow(self, callback: Any, described: CallbackRecord, restores: list[Restore], *, asynchronous: bool) -> None:
        """Times all hooks of a callback that do something.

        Args:
            callback: The user's or one of Keras'.
            described: Its record.
            restores: Gets a function for each hook, which restores it.
            asynchronous: Whether Keras calls the hooks of batches on a thread of its own.
        """
        for name in HOOKS:
            # Timing Keras' own hooks on that thread would hold up the loop's thread.
            beside = asynchronous and name.endswith("batch_end") and type(callback).__module__.startswith("keras.")
            if not beside and not _does_nothing(callback, name):
                self._time(callback, name, described, restores)

    def epoch_begins(self) -> None:
        """Forgets the steps of the epoch before: they are counted from 0 again."""
        self._beside = [(-1, 0.0)] * SLOTS

    def beside_s(self, batch: int) -> float:
        """Returns the time of a step's hooks that ran beside the loop."""
        number, seconds = self._beside[batch % SLOTS]
        return seconds if number == batch else 0.0

    def _time(self, callback: Any, name: str, described: CallbackRecord, restores: list[Restore]) -> None:
        if callback_patches.hook_of(callback, name) is None or callback_patches.is_replaced(callback, name):
            return

        role, main, clock = self._role, self._role.main, time.perf_counter
        saves, hooks = saving.totals, described.hooks

        def around(function: Callable[..., Any]) -> Callable[..., Any]:
            def timed(*args: Any, **kwargs: Any) -> Any:
                timer = role.timer
                if timer is None:
                    return function(*args, **kwargs)
                if threading.get_ident() != main:
                    return self._time_beside(described, name, function, args, kwargs)
                outer, timer.hook = timer.hook, name
                saved, saving_s = saves.count, saves.seconds
                nested_s, began_s = timer.nested_s, clock()
                try:
                    return function(*args, **kwargs)
                finally:
                    seconds = clock() - began_s
                    timer.hook = outer
                    timer.hooks_s += seconds
                    try:
                        add(
                            hooks.get(name) or hooks.setdefault(name, Duration()), seconds - (timer.nested_s - nested_s)
                        )
                        if saves.count > saved:
                            add(described.saves, saves.seconds - saving_s)
                            described.saved_bytes = saves.last_bytes
                    except Exception as error:
                        if guard.is_from_signal_handler(error):
                            raise
                        guard.note(error)

            return hide_frame(timed)

        try:
            restore = callback_patches.replace(callback, name, around)
        except (AttributeError, TypeError):
            return
        restores.append(restore)
        keras_own = described.name in STEADY_CALLBACKS and described.module.startswith(KERAS)
        if keras_own and name in STEADY_HOOKS and role.timer is not None:
            role.timer.sampler.steady_hooks[restore] = hooks.get(name) or hooks.setdefault(name, Duration())

    @hide_frame
    def _time_beside(
        self, described: CallbackRecord, name: str, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Times a hook that Keras calls on a thread beside the loop, which the loop does not wait for."""
        began_s = time.perf_counter()
        try:
            return function(*arguments, **keywords)
        finally:
            seconds = time.perf_counter() - began_s
            # The callback itself may precede the number of the batch.
            batch = next((each for each in arguments[:2] if isinstance(each, int)), None)
            if name == "on_train_batch_end" and batch is not None:
                self._beside[batch % SLOTS] = (batch, self.beside_s(batch) + seconds)
            # Several threads may meet here. One that waited for the lock could wait for ever in a forked process, so
            # of two that meet one is not counted.
            if self._counting.acquire(blocking=False):
                try:
                    add(described.beside.setdefault(name, Duration()), seconds)
                finally:
                    self._counting.release()


def _does_nothing(callback: Any, name: str) -> bool:
    """Whether a hook is Keras' own empty one.

    The hook of a training batch still calls the one by the shorter name that it once had.
    """
    return all(
        _is_default(callback_patches.hook_of(callback, each)) for each in (name, name.replace("train_batch", "batch"))
    )


def _is_default(function: Any) -> bool:
    function = function.__func__ if isinstance(function, MethodType) else function
    return isinstance(function, FunctionType) and bool(getattr(function, "_is_default", False))
