"""Follows a real training to its end:

nothing is cut, replaced, skipped or redirected, and no failure of ours reaches the script.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, TypeVar

from fitdoctor.probe.instrument.step_hooks import Stamps
from fitdoctor.probe.observe import learn_input
from fitdoctor.probe.observe.observer import AFTER, BEFORE, OF_EACH_BATCH, Observer, Visit, bind
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.hidden_frames import unnoticed
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import Ending, ProcessRecord, PythonOperation

T = TypeVar("T")


class WatchRole(Observer):
    """Hands every call through as it was made and keeps the account of it. With its first failure it stops looking, for
    good.

    Args:
        scout: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.

    Example:
        >>> director = WatchDirector(scout, Ledger("start", started_s=time.monotonic()), store.save)
        >>> install.install(keras, director)
    """

    stamped: Mapping[str, Stamps] = {name: (BEFORE.get(name), AFTER.get(name)) for name in OF_EACH_BATCH}
    cuts = False

    def __init__(self, scout: ProcessRecord, ledger: Ledger, save: Callable[[], None]) -> None:
        super().__init__(scout, ledger, save)
        self.looking = True
        """Whether anything is recorded still."""

    # what the patches call

    def constructed(self, callback: Any) -> None:
        self._guarded(super().constructed, callback)

    def batch_waited(self, seconds: float) -> None:
        try:
            super().batch_waited(seconds)
        except Exception as error:
            if guard.from_a_handler(error):
                raise
            self._failed(error)

    def compiled_step(self, seconds: float) -> None:
        self._guarded(super().compiled_step, seconds)

    def compiled(self, model: Any) -> None:
        self._guarded(super().compiled, model)

    def python_operation(self, operation: PythonOperation) -> None:
        self._guarded(super().python_operation, operation)

    def traced(self, code: CodeType | None, seconds: float) -> None:
        self._guarded(super().traced, code, seconds)

    @unnoticed
    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        leave = self._guarded(self._enter, kind, original, model, arguments, keywords) if self.looking else None
        if leave is None:
            return original(model, *arguments, **keywords)
        try:
            return original(model, *arguments, **keywords)
        finally:
            if self.looking:
                self._guarded(leave)

    @unnoticed
    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        timer = self.timer
        if timer is None or self.in_loop or not self.looking or threading.get_ident() != self.main:
            return original(callbacks, *arguments, **keywords)
        try:
            self.before_hook(name, timer, callbacks)
        except Exception as error:
            self.failed_in_hook(name, error)
        result = original(callbacks, *arguments, **keywords)
        try:
            if self.looking:
                self.after_hook(name, timer, callbacks, arguments)
        except Exception as error:
            self.failed_in_hook(name, error)
        return result

    def failed_in_hook(self, name: str, error: Exception) -> None:
        """Ends the looking, unless the script itself raised it."""
        if guard.from_a_handler(error):
            raise error
        self._failed(error)

    def stop_here(self, iterator: Any) -> bool:
        return False

    # pairs

    def _enter(
        self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Callable[[], None] | None:
        """Opens the account of a call, and gives what closes it: nothing for calls that belong to another one."""
        if not self.on_main_thread():
            if kind == "fit":
                self.note_thread()
            return None
        if kind == "fit":
            try:
                bound = bind(original, model, arguments, keywords)
            except TypeError:
                return None  # fit itself will say so
            return functools.partial(self._leave_fit, self.enter_fit(self.open_fit(model, bound)), model, bound)
        timer = self.timer
        if kind == "evaluate" and keywords.get("_use_cached_eval_dataset") and timer is not None:
            timer.validation_begins()
            return functools.partial(self.validated, timer)
        if self.in_loop:
            return None
        try:
            bound = bind(original, model, arguments, keywords)
        except TypeError:
            return None
        loop = self.enter_loop(kind, model, bound)
        began_s = time.perf_counter()

        def leave() -> None:
            seconds = time.perf_counter() - began_s
            add(loop.run, seconds)
            self.leave_loop(seconds)

        return leave

    def _leave_fit(self, visit: Visit, model: Any, bound: dict[str, Any]) -> None:
        self.leave_fit(visit)
        self._learn_input(visit, model, bound)
        self.learn_from(visit, model)

    def _learn_input(self, visit: Visit, model: Any, bound: dict[str, Any]) -> None:
        """Looks at what the first fit of a place was fed, where that lies in memory.

        What fails is left out, and said.
        """
        record = visit.timer.record
        if record.calls_run != 1 or not model.built:
            return
        began_s = time.perf_counter()
        try:
            with self.ledger.within("probe"):
                learn_input.learn(record, model, bound, draw=False)
        except Exception as error:  # whatever a stranger's input makes of our questions
            self.missing(f"The numbers of the input were not looked at: {type(error).__name__}: {error}")
        if self.timer is not None:  # a fit in a callback's hook
            self.timer.nested_s += time.perf_counter() - began_s

    # the account

    def end(self, ending: Ending) -> None:
        self._guarded(super().end, ending)

    def _guarded(self, run: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return run(*arguments)
        except Exception as error:
            if guard.from_a_handler(error):
                raise
            self._failed(error)
            return None

    def _failed(self, error: Exception) -> None:
        """Stops looking: an account with a hole in it is not worth another risk to the training."""
        self.looking = False
        # No method is called here, as that could fail too.
        self.timer = self.step_skip.callback_list = self.step_skip.source = None
        try:
            self.missing(f"Watching ended here, by a failure of fitdoctor: {guard.said(error)}. The training went on.")
            for visit in self._visits:
                self.take_off(visit)
            self._visits.clear()
            self.step_skip.end()
        except Exception as another:
            guard.aloud(another)
