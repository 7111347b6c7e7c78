"""How long each callback's own hooks take; the list of callbacks and they themselves stay as the user made them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from fitdoctor.probe import backends
from fitdoctor.probe.instrument import callback_patches, saving
from fitdoctor.probe.instrument.patch_points import HOOKS
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.hidden_frames import unnoticed
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.timing.device_overlap import SLOTS
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.recording.model import CallbackRecord, Duration

KERAS = ("keras.", f"{backends.LEGACY}.")
ADDED = ("History", "ProgbarLogger")
"""Callbacks that Keras adds itself, and that take about the same at each step:

others may do much at every hundredth.
"""
RESTING = ("on_train_batch_begin", "on_train_batch_end")

PutBack = Callable[[], None]


class Role(Protocol):
    """Has the timer of the fit that runs, and the thread that it follows."""

    timer: FitTimer | None
    main: int


class HookTimes:
    """Puts a clock around hooks, and says what took time beside the loop."""

    def __init__(self, role: Role) -> None:
        self._role = role
        self._account = threading.Lock()
        self._of_steps: list[tuple[int, float]] = [(-1, 0.0)] * SLOTS
        """Of the latest steps, by their number: which it is, and what hooks have taken beside the loop."""

    def follow(self, callback: Any, described: CallbackRecord, restore: list[PutBack], *, asynchronous: bool) -> None:
        """Times all hooks of a callback that do something.

        Args:
            callback: The user's or one of Keras'.
            described: Its record.
            restore: Gets what ends that, for each hook.
            asynchronous: Whether Keras calls those of batches on a thread of its own.
        """
        for name in HOOKS:
            beside = asynchronous and name.endswith("batch_end") and type(callback).__module__.startswith("keras.")
            if not beside and not _does_nothing(
                callback, name
            ):  # timing those of Keras on their thread would hold up the loop's
                self._time(callback, name, described, restore)

    def epoch_begins(self) -> None:
        """Steps are counted anew."""
        self._of_steps = [(-1, 0.0)] * SLOTS

    def taken_beside_s(self, batch: int) -> float:
        """What hooks of a step took beside the loop."""
        number, seconds = self._of_steps[batch % SLOTS]
        return seconds if number == batch else 0.0

    def _time(self, callback: Any, name: str, described: CallbackRecord, restore: list[PutBack]) -> None:
        if getattr(callback, name, None) is None or callback_patches.is_replaced(callback, name):
            return

        role, main, clock, tally, seen = (
            self._role,
            self._role.main,
            time.perf_counter,
            saving.tally,
            described.hooks,
        )

        def around(function: Callable[..., Any]) -> Callable[..., Any]:
            def timed(*args: Any, **kwargs: Any) -> Any:
                timer = role.timer
                if timer is None:
                    return function(*args, **kwargs)
                if threading.get_ident() != main:
                    return self._beside(described, name, function, args, kwargs)
                outer, timer.hook = timer.hook, name
                saved, saving_s = tally.count, tally.seconds
                nested_s, began_s = timer.nested_s, clock()
                try:
                    return function(*args, **kwargs)
                finally:
                    seconds = clock() - began_s
                    timer.hook = outer
                    timer.hooks_s += seconds
                    try:
                        add(seen.get(name) or seen.setdefault(name, Duration()), seconds - (timer.nested_s - nested_s))
                        if tally.count > saved:
                            add(described.saves, tally.seconds - saving_s)
                            described.saved_bytes = tally.last_bytes
                    except Exception as error:
                        if guard.is_from_signal_handler(error):
                            raise
                        guard.note(error)

            return unnoticed(timed)

        try:
            restore.append(callback_patches.replace(callback, name, around))
        except (AttributeError, TypeError):
            return
        if (
            role.timer is not None
            and name in RESTING
            and described.name in ADDED
            and described.module.startswith(KERAS)
        ):
            role.timer.alike[restore[-1]] = seen.get(name) or seen.setdefault(name, Duration())

    @unnoticed
    def _beside(
        self, described: CallbackRecord, name: str, function: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Times a hook that Keras calls on a thread beside the loop, which it does not hold up."""
        began_s = time.perf_counter()
        try:
            return function(*arguments, **keywords)
        finally:
            seconds = time.perf_counter() - began_s
            batch = next(
                (each for each in arguments[:2] if isinstance(each, int)), None
            )  # the callback itself may stand before it
            if name == "on_train_batch_end" and batch is not None:
                self._of_steps[batch % SLOTS] = (batch, self.taken_beside_s(batch) + seconds)
            # Several threads may be here. One that waited could wait for ever in a forked process: of two that meet,
            # one is not counted.
            if self._account.acquire(blocking=False):
                try:
                    add(described.beside.setdefault(name, Duration()), seconds)
                finally:
                    self._account.release()


def _does_nothing(callback: Any, name: str) -> bool:
    """Whether a hook is Keras' own empty one.

    That of a training batch still calls the one by the shorter name that it once had.
    """
    older = getattr(callback, name.replace("train_batch", "batch"), None)
    return all(getattr(function, "_is_default", False) for function in (getattr(callback, name, None), older))
