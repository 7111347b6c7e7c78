"""Runs the whole script once, cut short at every call site, to learn which units there are and what they cost."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.observe.fit_recorder import FitCall
from fitdoctor.probe.observe.learn_input import learn_input
from fitdoctor.probe.roles.base import RecordingRole
from fitdoctor.probe.roles.stand_ins import cheaper, cheaper_fit, extended, skipped
from fitdoctor.probe.sampling.main_thread_sampler import MainThreadSampler, own_work, traced_line
from fitdoctor.probe.sampling.thread_sampler import SWITCH_S
from fitdoctor.probe.support import source_hashes
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import CallSiteRecord, Ending, Fit, ProcessRecord

# Seconds of steps in a fit's first epoch: a few hundred short steps, or at least `MIN_STEPS` long ones.
FIRST_EPOCH_S = 3.0
LATER_EPOCH_S = 1.0
# Seconds that an epoch of unknown length may take, so that its steps are counted instead of guessed.
COUNTING_S = 20.0
# Seconds that a fit with a stopping rule of its own runs uncut, in case the rule ends it.
PATIENCE_S = 12.0
# Seconds after which any other fit ends at its next epoch.
FIT_S = 6.0
MIN_STEPS = 3
MIN_EPOCHS = 2
# An epoch that begins with a wait of so many steps is measured twice: the wait is charged to every epoch.
STALL = 10
VALIDATION_S = 1.5
# Seconds at one call site of `fit` after which each further call gets one epoch of a few steps. After twice that time,
# calls are skipped.
SITE_S = 8.0
# Seconds of steps, and of validation, in such a short call.
TIGHT_S = 0.3
# Seconds and calls at one call site of `predict` and the like, after which cheaper calls with the same result are made.
LOOP_S = 2.5
LOOP_CALLS = 10


class ScoutRole(RecordingRole):
    """Decides about every Keras call of the script: run, cut, replace or skip.

    Args:
        record: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.

    Attributes:
        folder: Of the script, if it has a file. Hashes of the user's modules from there are recorded.
    """

    switch_s = SWITCH_S

    def __init__(self, record: ProcessRecord, ledger: Ledger, save: Callable[[], None]) -> None:
        super().__init__(record, ledger, save)
        self.folder = ""
        self._fit_s: dict[int, float] = {}
        self._histories: dict[int, dict[str, Any]] = {}
        self._start_lines: MainThreadSampler | None = None
        self._reading_input = False

    # what the patches call

    def traced(self, code: CodeType | None, seconds: float) -> None:
        if not self._reading_input:  # reading the input ourselves may trace the pipeline once more
            super().traced(code, seconds)

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if not self.on_main_thread():
            if kind == "fit":
                self.note_thread()
            return original(model, *arguments, **keywords)
        if kind == "fit":
            return self._fit(original, model, arguments, keywords)
        if kind == "evaluate" and keywords.get("_use_cached_eval_dataset") and self.timer is not None:
            return self._validate(self.timer, original, model, arguments, keywords)
        if self.current_call:
            return original(model, *arguments, **keywords)
        return self._call(kind, original, model, arguments, keywords)

    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        timer = self.timer
        if timer is None or not self.on_main_thread():
            return original(callbacks, *arguments, **keywords)
        self.fits.before_hook(name, timer, callbacks)
        result = original(callbacks, *arguments, **keywords)
        self.fits.after_hook(name, timer, callbacks, arguments)
        if name == "on_epoch_end":
            self._end_fit_early(timer, callbacks.model)
        return result

    def stop_here(self, iterator: Any) -> bool:
        timer = self.timer
        if timer is None or self.current_call:
            return False
        call = self.fits.running[-1]
        if timer.validating:
            limit_s = TIGHT_S if call.tight else VALIDATION_S
            if timer.validation.steps < MIN_STEPS or timer.validation.steps_s <= limit_s:
                return False
            timer.record.cut = True
            return True
        if timer.train_calls <= MIN_STEPS or timer.seconds_in_epoch() <= self._epoch_limit_s(call):
            return False
        timer.record.cut = call.cut = True
        timer.cut()
        return True

    # fit

    def _fit(self, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self._first_unit()
        bound = bind(original, model, arguments, keywords)
        index = self.fits.open(model, bound)
        record = self.record.fits[index]
        if record.calls == 1:
            record.declined = self._declined(model) or record.declined
        spent_s = self._fit_s.get(index, 0.0)
        if self._may_be_cheaper(index, spent_s):
            done, result = self._cheaper_fit(record, model, bound)
            if done:
                return result
        if spent_s > 2 * SITE_S and index in self._histories and model.built:
            record.cut = True
            return skipped(model, self._histories[index], bound)
        call = self.fits.begin(index)
        call.tight = self.hurried or spent_s > SITE_S
        tracing = self._sample_tracing(call)
        try:
            result = self.run_fit(original, model, bound, index)
        finally:
            self._fit_s[index] = spent_s + self.fits.end(call)
            record.hot_lines = [*record.hot_lines, *(tracing.stop() if tracing is not None else ())]
        self.fits.complete(call, model)
        if record.calls_run == 1 and not self.hurried:
            self._reading_input = True
            with self.ledger.within("probe"):
                learn_input(record, model, bound)
            self._reading_input = False
        result = extended(result, bound, call.timer)
        self._histories[index] = {k: list(v) for k, v in result.history.items()} if hasattr(result, "history") else {}
        return result

    def _declined(self, model: Any) -> str:
        """Why a fit can't be diagnosed, or an empty string."""
        if backends.name() != self.record.environment["backend"]:
            name = backends.keras_module().__name__
            return (
                f"it trains with {name}, and the script's first fit with another Keras. "
                "Diagnose it in a script of its own"
            )
        if backends.current().is_distributed(model):
            return (
                "a distribution strategy is in force, and trials on several replicas are not supported yet. "
                "Diagnose the training on one device, without the strategy"
            )
        return ""

    def run_fit(self, original: Any, model: Any, bound: dict[str, Any], index: int) -> Any:
        """Runs one fit. A rehearsal overrides this for its target."""
        return original(model, **bound)

    def _may_be_cheaper(self, index: int, spent_s: float) -> bool:
        """Whether `train_on_batch` may replace a fit of one batch.

        The model must be known, and calls of fit must have been timed.
        """
        identities, record = self.fits.identities.get(index), self.record.fits[index]
        least, least_s = (1, TIGHT_S) if self.hurried else (LOOP_CALLS, LOOP_S)
        if identities is None or not identities.one_batch or not identities.again:
            return False
        return record.calls_run >= least and spent_s > least_s

    def _cheaper_fit(self, record: Fit, model: Any, bound: dict[str, Any]) -> tuple[bool, Any]:
        began_s = time.perf_counter()
        self.ledger.push("fit")
        try:
            with self.paused():
                return cheaper_fit(model, bound)
        finally:
            self.ledger.pop()
            seconds = time.perf_counter() - began_s
            add(record.substituted, seconds)
            if self.timer is not None:
                self.timer.nested_s += seconds

    def _epoch_limit_s(self, call: FitCall) -> float:
        timer, record = call.timer, call.timer.record
        if call.tight:
            return TIGHT_S
        spent_s = time.perf_counter() - timer.began_s
        if _may_stop(record) and record.stopped_at is None:
            return max(TIGHT_S, PATIENCE_S - spent_s)
        if record.steps_basis == "unknown" and timer.epochs == 0:
            return COUNTING_S
        return FIRST_EPOCH_S if timer.epochs == 0 else LATER_EPOCH_S

    def _end_fit_early(self, timer: FitTimer, model: Any) -> None:
        """Ends a fit after this epoch if enough is known."""
        call, record = self.fits.running[-1], timer.record
        spent_s = time.perf_counter() - timer.began_s
        patient = _may_stop(record) and not call.cut and not call.tight
        enough_s = PATIENCE_S if patient else (TIGHT_S if call.tight else FIT_S)
        enough = timer.epochs >= (1 if call.tight else MIN_EPOCHS + _stalled_once(record))
        remaining = record.epochs - record.initial_epoch - timer.epochs
        if remaining > 0 and enough and not model.stop_training and (call.cut or spent_s > enough_s):
            model.stop_training = True
            timer.stopped_by_us = True
            record.cut = True

    def _validate(
        self, timer: FitTimer, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Runs fit's own pass over the validation data."""
        timer.validation_begins()
        try:
            return original(model, *arguments, **keywords)
        finally:
            self.fits.validation_ended(timer)

    # the start of the script

    def _sample_tracing(self, call: FitCall) -> MainThreadSampler | None:
        """Samples the script's own lines in the first step of a call site."""
        if self.hurried or call.timer.record.calls_run > 1:
            return None
        lines = MainThreadSampler("first step", traced_line, until=lambda: call.timer.first_step_done)
        lines.start()
        return lines

    def sample_start(self) -> None:
        """Samples the script's own lines until its first unit."""
        self._start_lines = MainThreadSampler("start", own_work)
        self._start_lines.start()

    def _first_unit(self) -> None:
        if self._start_lines is not None:
            lines, self._start_lines = self._start_lines, None
            self.record.start_lines, self.record.start_lines_share = lines.stop(), lines.share
            self._note_sources()

    def _note_sources(self) -> None:
        """Keeps the first hash of each source file: the user may edit it during the diagnosis."""
        if self.folder:
            self.record.sources = {**source_hashes.hashes(self.folder), **self.record.sources}

    def end(self, ending: Ending) -> None:
        self._note_sources()
        super().end(ending)

    # predict, evaluate and the like

    def _call(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self._first_unit()
        bound = bind(original, model, arguments, keywords)
        record = self.calls.begin(kind, model, bound)
        began_s = time.perf_counter()
        try:
            return self.run_call(record, original, model, bound)
        finally:
            self.calls.end(time.perf_counter() - began_s)

    def run_call(self, record: CallSiteRecord, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Runs one call, or a cheaper one with the same result. A rehearsal overrides this for its target."""
        began_s = time.perf_counter()
        enough_s, enough = (TIGHT_S, 1) if self.hurried else (LOOP_S, LOOP_CALLS)
        if record.run.total_s > enough_s and record.calls > enough:
            done, result = cheaper(record, model, bound)
            if done:
                add(record.substituted, time.perf_counter() - began_s)
                return result
        result = original(model, **bound)
        add(record.run, time.perf_counter() - began_s)
        return result


def _may_stop(record: Fit) -> bool:
    """Whether a callback may end the fit."""
    return any(callback.may_stop for callback in record.callbacks)


def _stalled_once(record: Fit) -> bool:
    """Whether one later epoch began with a long wait, and no second one was measured yet."""
    step, began = record.step, record.epoch_first_step
    return began.count == 1 and step.count > 0 and began.first_s > STALL * step.total_s / step.count
