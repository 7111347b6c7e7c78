"""Runs the whole script once, cut short at every call site, to learn what there is and what it costs."""

from __future__ import annotations

import inspect
import os
import threading
import time
from types import FrameType, ModuleType
from typing import Any

from fitdoctor.probe import describe, sites
from fitdoctor.probe.backends import tensorflow as seams
from fitdoctor.probe.ledger import Ledger
from fitdoctor.probe.stacks import StackSampler
from fitdoctor.probe.stand_ins import cheaper, extended, skipped
from fitdoctor.probe.timer import FitTimer, add
from fitdoctor.recording.model import Duration, Ending, Fit, Loop, Scout, Site

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
VALIDATION_S = 1.5
SITE_S = 8.0
"""Seconds at one call site of `fit` after which further calls there get one epoch of a few steps; twice that, and they are skipped."""
TIGHT_S = 0.3
LOOP_S = 2.5
"""Seconds of real calls at one call site of `predict` and the like before cheaper calls with the same result take their place."""
LOOP_CALLS = 10


class ScoutDirector:
    """Decides about every Keras call of the script: run, cut, substitute or skip.

    Args:
        scout: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.
    """

    hurried = False
    """Whether every unit is cut to the least: the way to a rehearsal's target."""

    def __init__(self, scout: Scout, ledger: Ledger, save: Any) -> None:
        self.scout, self.ledger, self._save = scout, ledger, save
        self._fits: dict[tuple[str, int], int] = {}
        self._fit_s: dict[int, float] = {}
        self._histories: dict[int, dict[str, Any]] = {}
        self._loops: dict[tuple[str, str, int, int, str], Loop] = {}
        self._loop_s: dict[int, float] = {}
        self.timer: FitTimer | None = None
        self._current = -1
        self._tight = False
        self._in_loop = False
        self._sampler: StackSampler | None = None
        self._main = threading.get_ident()
        self._cut_now = False

    def imported(self, keras: ModuleType) -> None:
        self.scout.environment = describe.environment(keras)

    # what the seams call

    def constructed(self, callback: Any) -> None:
        _mark(callback, sites.find())

    def compiled(self, model: Any) -> None:
        _mark(model, sites.find())

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if threading.get_ident() != self._main:
            if kind == "fit":
                self._note_thread()
            return original(model, *arguments, **keywords)
        if kind == "fit":
            return self._fit(original, model, arguments, keywords)
        if kind == "evaluate" and keywords.get("_use_cached_eval_dataset") and self.timer is not None:
            return self._validation(original, model, arguments, keywords)
        if self._in_loop:
            return original(model, *arguments, **keywords)
        return self._loop(kind, original, model, arguments, keywords)

    def hook(self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        timer = self.timer
        if timer is None or threading.get_ident() != self._main:
            return original(callbacks, *arguments, **keywords)
        before, after = _MARKS.get(name, (None, None))
        if name == "on_train_begin":
            self._watch_callbacks(callbacks)
        if before is not None:
            before(timer)
        result = original(callbacks, *arguments, **keywords)
        if after is not None:
            after(timer)
        if name == "on_epoch_end":
            self._epoch_ended(timer, callbacks.model)
        return result

    def stop_here(self, iterator: Any) -> bool:
        timer = self.timer
        if timer is None or self._in_loop:
            return False
        if timer.validating:
            if timer.validation_steps >= MIN_STEPS and timer.validation_seconds() > (TIGHT_S if self._tight else VALIDATION_S):
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
        bound = bind(original, model, arguments, keywords)
        site = sites.find() or Site(file="", line=0)
        self._first_unit()
        index = self._fits.setdefault((site.file, site.line), len(self.scout.fits))
        if index == len(self.scout.fits):
            self.scout.fits.append(_described(model, bound, site))
            if seams.is_distributed(model):
                self._decline(
                    "a distribution strategy is in force, and trials on several replicas are not supported yet. "
                    "Diagnose the training on one device, without the strategy"
                )
        record = self.scout.fits[index]
        record.calls += 1
        spent_s = self._fit_s.get(index, 0.0)
        if spent_s > 2 * SITE_S and index in self._histories and model.built:
            record.cut = True
            return skipped(model, self._histories[index], bound)
        outer = (self.timer, self._current, self._tight, self._in_loop, self._cut_now)
        timer = FitTimer(record)
        self.timer, self._current, self._tight = timer, index, self.hurried or spent_s > SITE_S
        self._in_loop = self._cut_now = False
        record.calls_run += 1
        try:
            with self.ledger.within("fit"):
                result = self.run_fit(original, model, bound, index)
        finally:
            timer.fit_ends()
            seconds = time.perf_counter() - timer.began_s
            if self._sampler is not None and self._sampler.owner is timer:
                record.hot_lines, self._sampler = self._sampler.stop(), None
            self._fit_s[index] = spent_s + seconds
            was_cut = self._cut_now
            self.timer, self._current, self._tight, self._in_loop, self._cut_now = outer
            if self.timer is not None:
                self.timer.nested_s += seconds  # a fit in a callback's hook is a cost of its own
        if not was_cut:
            self._learn_epochs(record, timer, model)
        record.parameters = record.parameters or _parameters(model)
        result = extended(result, bound, timer)
        self._histories[index] = {k: list(v) for k, v in result.history.items()} if hasattr(result, "history") else {}
        return result

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

    def _epoch_ended(self, timer: FitTimer, model: Any) -> None:
        record = timer.record
        if not self._cut_now and record.steps_basis == "unknown" and timer.epoch_steps:
            record.steps_per_epoch, record.steps_basis = timer.epoch_steps * record.steps_per_execution, "counted"
        timer.epoch_end_returned()
        spent_s = time.perf_counter() - timer.began_s
        patient = any(callback.may_stop for callback in record.callbacks) and not self._cut_now and not self._tight
        enough_s = PATIENCE_S if patient else (TIGHT_S if self._tight else FIT_S)
        enough = timer.epochs >= (1 if self._tight else MIN_EPOCHS)
        remaining = record.epochs - record.initial_epoch - timer.epochs
        if remaining > 0 and enough and not model.stop_training and (self._cut_now or spent_s > enough_s):
            model.stop_training = True
            timer.stopped_by_us = True
            record.cut = True

    def _learn_epochs(self, record: Fit, timer: FitTimer, model: Any) -> None:
        planned = record.epochs - record.initial_epoch
        if not timer.stopped_by_us and timer.epochs < planned and model.stop_training:
            record.stopped_at = max(record.stopped_at or 0, timer.epochs)

    def _validation(self, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        timer = self.timer
        assert timer is not None
        timer.validation_begins()
        try:
            return original(model, *arguments, **keywords)
        finally:
            if not timer.record.validation_steps and not timer.record.cut:
                timer.record.validation_steps = timer.validation_steps * timer.record.steps_per_execution
            timer.validation_ends()

    # callbacks

    def _watch_callbacks(self, callbacks: Any) -> None:
        """Times each callback's own hooks, on the instance: the list of callbacks stays as the user made it."""
        record = self.scout.fits[self._current]
        items = list(callbacks.callbacks)
        if not record.callbacks:
            record.callbacks = describe.callbacks(items)
        python = any(step.python for step in record.operations) or any(callback.own for callback in record.callbacks)
        if python and not self.hurried and record.calls_run == 1 and self._sampler is None and self.timer is not None:
            self._sampler = StackSampler(self.timer)
            self._sampler.start()
        for described, callback in zip(record.callbacks, items, strict=False):
            for name in seams.HOOKS:
                self._time_hook(callback, name, described.hooks)

    def _time_hook(self, callback: Any, name: str, hooks: dict[str, Duration]) -> None:
        function = getattr(callback, name, None)
        if function is None or getattr(function, "_is_default", False) or getattr(function, "_fitdoctor_timed", False):
            return

        def timed(*arguments: Any, **keywords: Any) -> Any:
            timer = self.timer
            if timer is None or threading.get_ident() != self._main:
                return function(*arguments, **keywords)
            outer, timer.hook = timer.hook, name
            nested_s, began_s = timer.nested_s, time.perf_counter()
            try:
                return function(*arguments, **keywords)
            finally:
                seconds = time.perf_counter() - began_s
                timer.hook = outer
                timer.hooks_s += seconds
                add(hooks.setdefault(name, Duration()), seconds - (timer.nested_s - nested_s))

        timed._fitdoctor_timed = True  # type: ignore[attr-defined]
        try:
            setattr(callback, name, timed)
        except AttributeError:
            pass

    # predict, evaluate and the like

    def _loop(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        site = sites.find() or Site(file="", line=0)
        self._first_unit()
        timer = self.timer
        inside, hook = (self._current, timer.hook) if timer is not None else (-1, "")
        key = (kind, site.file, site.line, inside, hook)
        loop = self._loops.get(key)
        if loop is None:
            loop = self._loops[key] = Loop(kind=kind, site=site, inside=inside, hook=hook)
            self.scout.loops.append(loop)
        loop.calls += 1
        bound = bind(original, model, arguments, keywords)
        if loop.rows is None and "x" in bound:
            loop.rows, loop.batch_size = describe.rows(bound["x"]), bound.get("batch_size") or 32
        self._in_loop = True
        began_s = time.perf_counter()
        self.ledger.push("loops")
        try:
            return self.run_loop(loop, original, model, bound)
        finally:
            self.ledger.pop()
            self._in_loop = False
            if timer is not None:
                timer.nested_s += time.perf_counter() - began_s

    def run_loop(self, loop: Loop, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Runs one call, or a cheaper one that gives the same. A rehearsal overrides this for the call site that it is about."""
        began_s = time.perf_counter()
        if loop.run.total_s > (TIGHT_S if self.hurried else LOOP_S) and loop.calls > (1 if self.hurried else LOOP_CALLS):
            done, result = cheaper(loop, model, bound)
            if done:
                add(loop.substituted, time.perf_counter() - began_s)
                return result
        result = original(model, **bound)
        add(loop.run, time.perf_counter() - began_s)
        return result

    # bookkeeping

    def _first_unit(self) -> None:
        self.ledger.rebase("script")

    def _note_thread(self) -> None:
        site = sites.find()
        where = f" at {os.path.basename(site.file)}:{site.line}" if site else ""
        note = f"fit{where} was called in a thread; only what the main thread calls can be diagnosed so far."
        if note not in self.scout.limits:
            self.scout.limits.append(note)

    def _decline(self, why: str) -> None:
        self.scout.fits[-1].declined = why

    def save_now(self) -> None:
        """Brings the account up to date and writes the record."""
        self.scout.parts = self.ledger.read() if threading.get_ident() == self._main else self.ledger.peek()
        self.scout.wall_s = sum(self.scout.parts.values())
        self._save()

    def end(self, ending: Ending) -> None:
        """Says how the script ended, once."""
        if self.scout.ending.how == "unfinished":
            self.scout.ending = ending
        self.save_now()

    def overdue(self, frame: FrameType | None) -> None:
        """Called by the watchdog when the scout's time is up."""
        place = next((sites.of_frame(f) for f in sites.frames(frame)), None)
        self.end(Ending(how="limit", site=place))


_MARKS: dict[str, tuple[Any, Any]] = {
    "on_epoch_begin": (FitTimer.epoch_begins, None),
    "on_train_batch_begin": (FitTimer.step_begins, FitTimer.step_dispatched),
    "on_train_batch_end": (FitTimer.step_returned, FitTimer.step_ends),
    "on_test_batch_begin": (FitTimer.validation_step_begins, None),
    "on_test_batch_end": (None, FitTimer.validation_step_ends),
    "on_epoch_end": (FitTimer.uncut, FitTimer.epoch_ends),
}


def _described(model: Any, bound: dict[str, Any], site: Site) -> Fit:
    """The record of a fit; only its place where its arguments make no sense, which fit itself will say in its own words."""
    try:
        return describe.fit(model, bound, site)
    except Exception as error:
        return Fit(site=site, declined=f"its arguments could not be read ({type(error).__name__}: {error})")


def bind(original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, defaults filled in."""
    bound = inspect.signature(original).bind(model, *arguments, **keywords)
    bound.apply_defaults()
    named = dict(bound.arguments)
    named.pop("self", None)
    named.update(named.pop("kwargs", {}))
    return named


def _mark(thing: Any, site: Site | None) -> None:
    try:
        object.__setattr__(thing, describe.SITE, site)
    except (AttributeError, TypeError):
        pass


def _parameters(model: Any) -> int:
    return int(model.count_params()) if model.built else 0
