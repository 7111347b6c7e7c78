"""Runs the whole script once, cut short at every call site, to learn what there is and what it costs."""

from __future__ import annotations

from types import CodeType
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.observe.learn_input import learn_input
from fitdoctor.probe.observe.observer import Observer, Visit, bind
from fitdoctor.probe.roles.stand_ins import cheaper, cheaper_fit, extended, skipped
from fitdoctor.probe.sampling.main_thread_sampler import MainLines, own_work, traced_line
from fitdoctor.probe.sampling.thread_sampler import SWITCH_S
from fitdoctor.probe.support import source_hashes
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import CallSiteRecord, Ending, Fit, ProcessRecord

FIRST_EPOCH_S = 3.0
"""Seconds of steps in a fit's first epoch: a few hundred of the short ones, at least `MIN_STEPS` of the long ones."""
LATER_EPOCH_S = 1.0
COUNTING_S = 20.0
"""Seconds that an epoch of unknown length may take, so that its steps are counted instead of guessed."""
PATIENCE_S = 12.0
"""Seconds of a fit that may stop by a rule of its own: it runs uncut until then, in case the rule ends it."""
FIT_S = 6.0
"""Seconds after which a fit that is not counted or waited for ends at its next epoch."""
MIN_STEPS = 3
MIN_EPOCHS = 2
STALL = 10
"""Times as long as a step:

an epoch that begins with such a wait is seen to do so twice, since every epoch is charged for it.
"""
VALIDATION_S = 1.5
SITE_S = 8.0
"""Seconds at one call site of `fit` after which further calls there get one epoch of a few steps; twice that, and they
are skipped.
"""
TIGHT_S = 0.3
LOOP_S = 2.5
"""Seconds of real calls at one call site of `predict` and the like before cheaper calls with the same result take their
place.
"""
LOOP_CALLS = 10


class ScoutRole(Observer):
    """Decides about every Keras call of the script: run, cut, substitute or skip.

    Args:
        scout: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.
    """

    switch_s = SWITCH_S

    def __init__(self, scout: ProcessRecord, ledger: Ledger, save: Any) -> None:
        super().__init__(scout, ledger, save)
        self._fit_s: dict[int, float] = {}
        self._histories: dict[int, dict[str, Any]] = {}
        self._tight = False
        self._cut_now = False
        self._start_lines: MainLines | None = None
        self._looking = False
        self.folder = ""
        """Where the script lies, if it has a file: hashes are kept of what it runs of the user's from there."""

    # what the patches call

    def traced(self, code: CodeType | None, seconds: float) -> None:
        if not self._looking:  # a pipeline that we look into is traced once more, by no fault of the script's
            super().traced(code, seconds)

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if not self.on_main_thread():
            if kind == "fit":
                self.note_thread()
            return original(model, *arguments, **keywords)
        if kind == "fit":
            return self._fit(original, model, arguments, keywords)
        if kind == "evaluate" and keywords.get("_use_cached_eval_dataset") and self.timer is not None:
            return self.validation(original, model, arguments, keywords)
        if self.in_loop:
            return original(model, *arguments, **keywords)
        return self._loop(kind, original, model, arguments, keywords)

    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        timer = self.timer
        if timer is None or not self.on_main_thread():
            return original(callbacks, *arguments, **keywords)
        self.before_hook(name, timer, callbacks)
        result = original(callbacks, *arguments, **keywords)
        self.after_hook(name, timer, callbacks, arguments)
        return result

    def stop_here(self, iterator: Any) -> bool:
        timer = self.timer
        if timer is None or self.in_loop:
            return False
        if timer.validating:
            if timer.validation.steps >= MIN_STEPS and timer.validation.steps_s > (
                TIGHT_S if self._tight else VALIDATION_S
            ):
                self.scout.fits[self._current].cut = True
                return True
            return False
        if timer.train_calls <= MIN_STEPS or timer.seconds_in_epoch() <= self._epoch_limit_s(timer):
            return False
        self.scout.fits[self._current].cut = self._cut_now = True
        timer.cut()
        return True

    # fit

    def _fit(self, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self._started()
        bound = bind(original, model, arguments, keywords)
        index = self.open_fit(model, bound)
        record = self.scout.fits[index]
        if record.calls == 1 and backends.current().is_distributed(model):
            record.declined = (
                "a distribution strategy is in force, and trials on several replicas are not supported yet. "
                "Diagnose the training on one device, without the strategy"
            )
        if record.calls == 1 and backends.name() != self.scout.environment["backend"]:
            name = backends.keras_module().__name__
            record.declined = f"it trains with {name}, and the script's first fit with another Keras. Diagnose it in a script of its own"
        spent_s = self._fit_s.get(index, 0.0)
        if self._has_seen_enough(index, spent_s):
            done, result = self._cheaper_fit(record, model, bound)
            if done:
                return result
        if spent_s > 2 * SITE_S and index in self._histories and model.built:
            record.cut = True
            return skipped(model, self._histories[index], bound)
        outer = (self._tight, self._cut_now)
        self._tight, self._cut_now = self.hurried or spent_s > SITE_S, False
        visit = self.enter_fit(index)
        tracing = self._sample_tracing(visit)
        try:
            result = self.run_fit(original, model, bound, index)
        finally:
            self._fit_s[index] = spent_s + self.leave_fit(visit)
            record.hot_lines = [*record.hot_lines, *(tracing.stop() if tracing is not None else ())]
            was_cut = self._cut_now
            self._tight, self._cut_now = outer
        self.learn_from(visit, model, cut=was_cut)
        if record.calls_run == 1 and not self.hurried:
            self._looking = True
            with self.ledger.within("probe"):
                learn_input(record, model, bound)
            self._looking = False
        result = extended(result, bound, visit.timer)
        self._histories[index] = {k: list(v) for k, v in result.history.items()} if hasattr(result, "history") else {}
        return result

    def _has_seen_enough(self, index: int, spent_s: float) -> bool:
        """Whether a fit of one batch may be run without fit around it:

        its model is known, and so is what a call costs.
        """
        seen, record = self._identities.get(index), self.scout.fits[index]
        least, least_s = (1, TIGHT_S) if self.hurried else (LOOP_CALLS, LOOP_S)
        return seen is not None and seen.one_batch and seen.again and record.calls_run >= least and spent_s > least_s

    def _sample_tracing(self, visit: Visit) -> MainLines | None:
        """Looks for the script's own lines in the first step of a call site."""
        if self.hurried or visit.timer.record.calls_run > 1:
            return None
        lines = MainLines("first step", traced_line, until=lambda: visit.timer.first_step_done)
        lines.start()
        return lines

    def watch_start(self) -> None:
        """Looks for the script's own lines until its first unit."""
        self._start_lines = MainLines("start", own_work)
        self._start_lines.start()

    def _started(self) -> None:
        if self._start_lines is not None:
            lines, self._start_lines = self._start_lines, None
            self.scout.start_lines, self.scout.start_lines_share = lines.stop(), lines.share
            self._note_sources()

    def _note_sources(self) -> None:
        """Keeps what each source was when it was first seen: it may be edited while it is diagnosed."""
        if self.folder:
            self.scout.sources = {**source_hashes.hashes(self.folder), **self.scout.sources}

    def end(self, ending: Ending) -> None:
        self._note_sources()
        super().end(ending)

    def _cheaper_fit(self, record: Fit, model: Any, bound: dict[str, Any]) -> tuple[bool, Any]:
        outer, self.in_loop, began_s = self.in_loop, True, time.perf_counter()
        self.ledger.push("fit")
        try:
            return cheaper_fit(model, bound)
        finally:
            self.ledger.pop()
            self.in_loop = outer
            seconds = time.perf_counter() - began_s
            add(record.substituted, seconds)
            if self.timer is not None:
                self.timer.nested_s += seconds

    def run_fit(self, original: Any, model: Any, bound: dict[str, Any], index: int) -> Any:
        """Runs one fit. A rehearsal overrides this for the fit that it is about."""
        return original(model, **bound)

    def _epoch_limit_s(self, timer: FitTimer) -> float:
        record = timer.record
        if self._tight:
            return TIGHT_S
        spent_s = time.perf_counter() - timer.began_s
        if any(callback.may_stop for callback in record.callbacks) and record.stopped_at is None:
            return max(TIGHT_S, PATIENCE_S - spent_s)
        if record.steps_basis == "unknown" and timer.epochs == 0:
            return COUNTING_S
        return FIRST_EPOCH_S if timer.epochs == 0 else LATER_EPOCH_S

    def epoch_ended(self, timer: FitTimer, model: Any, number: int = 0, logs: Any = None) -> None:
        if self._cut_now:
            timer.epoch_end_returned()
        else:
            super().epoch_ended(timer, model, number, logs)
        record = timer.record
        spent_s = time.perf_counter() - timer.began_s
        patient = any(callback.may_stop for callback in record.callbacks) and not self._cut_now and not self._tight
        enough_s = PATIENCE_S if patient else (TIGHT_S if self._tight else FIT_S)
        enough = timer.epochs >= (1 if self._tight else MIN_EPOCHS + _stalled_once(record))
        remaining = record.epochs - record.initial_epoch - timer.epochs
        if remaining > 0 and enough and not model.stop_training and (self._cut_now or spent_s > enough_s):
            model.stop_training = True
            timer.stopped_by_us = True
            record.cut = True

    # predict, evaluate and the like

    def _loop(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self._started()
        bound = bind(original, model, arguments, keywords)
        loop = self.enter_loop(kind, model, bound)
        began_s = time.perf_counter()
        try:
            return self.run_loop(loop, original, model, bound)
        finally:
            self.leave_loop(time.perf_counter() - began_s)

    def run_loop(self, loop: CallSiteRecord, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Runs one call, or a cheaper one that gives the same.

        A rehearsal overrides this for the call site that it is about.
        """
        began_s = time.perf_counter()
        if loop.run.total_s > (TIGHT_S if self.hurried else LOOP_S) and loop.calls > (
            1 if self.hurried else LOOP_CALLS
        ):
            done, result = cheaper(loop, model, bound)
            if done:
                add(loop.substituted, time.perf_counter() - began_s)
                return result
        result = original(model, **bound)
        add(loop.run, time.perf_counter() - began_s)
        return result


def _stalled_once(record: Fit) -> bool:
    """Whether a later epoch began with a long wait, and no other was seen yet."""
    step, began = record.step, record.epoch_first_step
    return began.count == 1 and step.count > 0 and began.first_s > STALL * step.total_s / step.count
