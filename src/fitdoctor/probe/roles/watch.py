"""Records a real training to its end.

Nothing is cut, replaced, skipped or redirected, and no failure of ours reaches the script.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any, TypeVar

from fitdoctor.probe.instrument.step_hooks import Stamps
from fitdoctor.probe.observe import learn_input
from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.observe.fit_recorder import BATCH_HOOKS, NOTED_AFTER, NOTED_BEFORE, FitCall
from fitdoctor.probe.roles.base import RecordingRole
from fitdoctor.probe.support import guard
from fitdoctor.probe.support.hidden_frames import hide_frame
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import CallSiteRecord, Ending, Fit, ProcessRecord, PythonOperation

T = TypeVar("T")


class WatchRole(RecordingRole):
    """Passes every call on unchanged and records it. The first failure of ours ends the recording for good.

    Args:
        record: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.

    Attributes:
        recording: Whether anything is still recorded.

    Example:
        >>> role = WatchRole(record, Ledger("start", started_s=time.monotonic()), store.save)
        >>> install.install(keras, role)
    """

    stamped: Mapping[str, Stamps] = {name: (NOTED_BEFORE.get(name), NOTED_AFTER.get(name)) for name in BATCH_HOOKS}
    cuts = False

    def __init__(self, record: ProcessRecord, ledger: Ledger, save: Callable[[], None]) -> None:
        super().__init__(record, ledger, save)
        self.recording = True

    # what the patches call

    def constructed(self, thing: Any) -> None:
        self._guarded(super().constructed, thing)

    def batch_waited(self, seconds: float) -> None:
        try:
            super().batch_waited(seconds)
        except Exception as error:
            self._failed_unless_users(error)

    def compiled_step(self, seconds: float) -> None:
        self._guarded(super().compiled_step, seconds)

    def compiled(self, model: Any) -> None:
        self._guarded(super().compiled, model)

    def python_operation(self, operation: PythonOperation) -> None:
        self._guarded(super().python_operation, operation)

    def traced(self, code: CodeType | None, seconds: float) -> None:
        self._guarded(super().traced, code, seconds)

    @hide_frame
    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        end = self._guarded(self._begin, kind, original, model, arguments, keywords) if self.recording else None
        if end is None:
            return original(model, *arguments, **keywords)
        try:
            return original(model, *arguments, **keywords)
        finally:
            if self.recording:
                self._guarded(end)

    @hide_frame
    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        timer = self.timer
        if timer is None or self.current_call or not self.recording or threading.get_ident() != self.main:
            return original(callbacks, *arguments, **keywords)
        fits = self.fits
        try:
            fits.before_hook(name, timer, callbacks)
        except Exception as error:
            self.failed_in_hook(name, error)
        result = original(callbacks, *arguments, **keywords)
        try:
            if self.recording:
                fits.after_hook(name, timer, callbacks, arguments)
        except Exception as error:
            self.failed_in_hook(name, error)
        return result

    def failed_in_hook(self, name: str, error: Exception) -> None:
        """Ends the recording, unless a signal handler of the script raised the error."""
        self._failed_unless_users(error)

    def stop_here(self, iterator: Any) -> bool:
        return False

    # calls

    def _begin(
        self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Callable[[], None] | None:
        """Opens the account of a call. Returns what closes it, or None if the call is part of another one."""
        if not self.on_main_thread():
            if kind == "fit":
                self.note_thread()
            return None
        timer = self.timer
        if kind == "evaluate" and keywords.get("_use_cached_eval_dataset") and timer is not None:
            timer.validation_begins()
            return functools.partial(self.fits.validation_ended, timer)
        if kind != "fit" and self.current_call:
            return None
        try:
            bound = bind(original, model, arguments, keywords)
        except TypeError:  # Keras itself reports wrong arguments
            return None
        if kind == "fit":
            return functools.partial(self._end_fit, self.fits.begin(self.fits.open(model, bound)), model, bound)
        return functools.partial(self._end_call, self.calls.begin(kind, model, bound), time.perf_counter())

    def _end_fit(self, call: FitCall, model: Any, bound: dict[str, Any]) -> None:
        self.fits.end(call)
        self._learn_input(call.timer.record, model, bound)
        self.fits.complete(call, model)

    def _end_call(self, record: CallSiteRecord, began_s: float) -> None:
        seconds = time.perf_counter() - began_s
        add(record.run, seconds)
        self.calls.end(seconds)

    def _learn_input(self, record: Fit, model: Any, bound: dict[str, Any]) -> None:
        """Describes the input of the first fit of a call site, as far as it lies in memory. A failure is reported."""
        if record.calls_run != 1 or not model.built:
            return
        began_s = time.perf_counter()
        try:
            with self.ledger.within("probe"):
                learn_input.learn(record, model, bound, draw=False)
        except Exception as error:  # a user's own input may raise anything
            self.missing(f"The numbers of the input were not examined: {type(error).__name__}: {error}")
        if self.timer is not None:  # a fit in a callback's hook
            self.timer.nested_s += time.perf_counter() - began_s

    # failures

    def end(self, ending: Ending) -> None:
        self._guarded(super().end, ending)

    def _guarded(self, run: Callable[..., T], *arguments: Any) -> T | None:
        try:
            return run(*arguments)
        except Exception as error:
            self._failed_unless_users(error)
            return None

    def _failed_unless_users(self, error: Exception) -> None:
        if guard.is_from_signal_handler(error):
            raise error
        self._failed(error)

    def _failed(self, error: Exception) -> None:
        """Ends the recording: an incomplete account is not worth another risk to the training."""
        self.recording = False
        # Plain assignments: a method of ours may be what has failed.
        self.timer = self.step_skip.callback_list = self.step_skip.source = None
        try:
            self.missing(
                f"Watching ended here, by a failure of fitdoctor: {guard.message(error)}. The training went on."
            )
            for call in self.fits.running:
                self.fits.restore_hooks(call)
            self.fits.running.clear()
            self.step_skip.end()
        except Exception as another:
            guard.write(another)
