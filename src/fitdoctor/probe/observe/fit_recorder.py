"""Records calls of `fit`: their hooks, their parts, and what is known of model and input."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.instrument.callback_timing import CallbackTimer
from fitdoctor.probe.observe import call_identity, describe
from fitdoctor.probe.observe.environment_recorder import EnvironmentRecorder
from fitdoctor.probe.observe.session import Session
from fitdoctor.probe.observe.weight_movement import ReadingBudget, WeightMovement
from fitdoctor.probe.sampling.thread_sampler import StackSampler
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import call_spans
from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.trainer import compiled_metrics, debug_switches, learning_rate
from fitdoctor.recording.model import Fit, Site
from fitdoctor.recording.model.system import Span

# What the timer notes before and after the hooks of all callbacks.
NOTED_BEFORE = {
    "on_epoch_begin": FitTimer.epoch_begins,
    "on_train_batch_begin": FitTimer.step_begins,
    "on_train_batch_end": FitTimer.step_returned,
    "on_test_batch_begin": FitTimer.validation_step_begins,
    "on_epoch_end": FitTimer.steps_end,
}
NOTED_AFTER = {
    "on_train_batch_begin": FitTimer.step_dispatched,
    "on_train_batch_end": FitTimer.step_ends,
    "on_test_batch_end": FitTimer.validation_step_ends,
    "on_epoch_end": FitTimer.epoch_ends,
}
BATCH_HOOKS = ("on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin", "on_test_batch_end")


@dataclass(slots=True)
class FitCall:
    """One call of `fit` while it runs.

    Attributes:
        index: Of the call site's record.
        timer: Times the call.
        outer: What was current in the session before: timer, index, call, and the paused step skip.
        span: When it runs.
        restores: Each gives a callback one of its own hooks back.
        weights: Reads how the model's weights move, once the model is built.
        cut: Whether the role cut an epoch short.
        tight: Whether the role grants it only a few steps.
    """

    index: int
    timer: FitTimer
    outer: tuple[FitTimer | None, int, Any, Any]
    span: Span
    restores: list[Callable[[], None]] = field(default_factory=list)
    weights: WeightMovement | None = None
    cut: bool = False
    tight: bool = False


class FitRecorder:
    """Records calls of `fit`. It decides nothing about them.

    A role calls `open` and `begin` before the script's own call, `before_hook` and `after_hook` around each hook, and
    `end` and `complete` after the call.

    Args:
        session: What is shared with the role.
        environment: Records what the script trains with.
    """

    def __init__(self, session: Session, environment: EnvironmentRecorder) -> None:
        self._session, self._environment = session, environment
        self.running: list[FitCall] = []
        self.identities: dict[int, call_identity.Identities] = {}
        self._indices: dict[tuple[str, int], int] = {}
        # By index, what could not be learned about a call before it began.
        self._doubts: dict[int, str] = {}
        self._sampler: StackSampler | None = None
        self._callback_timer = CallbackTimer(session)
        self._reading_budget, self._weights_failed = ReadingBudget(), False

    # calls

    def open(self, model: Any, bound: dict[str, Any]) -> int:
        """Counts a call of `fit` and gives the index of its call site's record."""
        fits = self._session.record.fits
        site = call_sites.find() or Site(file="", line=0)
        self._environment.note_call(model, is_fit=True)
        self._environment.name_devices()
        self._session.ledger.rebase("script")
        index = self._indices.setdefault((site.file, site.line), len(fits))
        if index == len(fits):
            fits.append(_described(model, bound, site))
        fits[index].calls += 1
        self._identify(index, model, bound)
        return index

    def _identify(self, index: int, model: Any, bound: dict[str, Any]) -> None:
        try:
            identities = self.identities.setdefault(index, call_identity.Identities())
            identities.note(self._session.record.fits[index], model, bound)
        except Exception as error:  # the arguments are wrong, and fit itself reports that
            self._doubts[index] = f"its models and data could not be counted ({guard.message(error)})"

    def begin(self, index: int) -> FitCall:
        """Starts the timer of a call. From here on hooks belong to it."""
        session, record = self._session, self._session.record.fits[index]
        outer = (session.timer, session.fit_index, session.current_call, session.step_skip.pause())
        # Every step of a fit in a callback's hook is timed: the state of step sampling belongs to the outer fit.
        skips = session.skips_steps and session.timer is None
        timer = FitTimer(record, step_skip=session.step_skip if skips else None)
        call = FitCall(index, timer, outer, call_spans.opened(record))
        self.running.append(call)
        session.timer, session.fit_index, session.current_call = timer, index, None
        record.calls_run += 1
        session.ledger.push("fit")
        return call

    def end(self, call: FitCall) -> float:
        """Closes the account of a call that returned or raised, and gives its seconds."""
        session, timer = self._session, call.timer
        session.ledger.pop()
        self._environment.name_devices()
        timer.fit_ends()
        seconds = time.perf_counter() - timer.began_s
        call.span.ended_s = time.monotonic()
        if self._sampler is not None and self._sampler.owner is timer:
            timer.record.hot_lines, self._sampler = self._sampler.stop(), None
        self.running.remove(call)
        self.restore_hooks(call)
        session.timer, session.fit_index, session.current_call, paused = call.outer
        session.step_skip.resume(paused)
        # A thread of Keras may still hold the timer, which must not keep the callbacks alive.
        timer.sampler.callback_list = None
        if session.timer is not None:  # a fit in a callback's hook has a cost of its own
            session.timer.nested_s += seconds
        return seconds

    @staticmethod
    def restore_hooks(call: FitCall) -> None:
        """Gives the callbacks their own hooks back."""
        for restore in call.restores:
            guard.guarded(restore)

    def complete(self, call: FitCall, model: Any) -> None:
        """Records what is known only once a call has returned. The length of a call that was cut stays unknown."""
        session, timer, record = self._session, call.timer, call.timer.record
        planned = record.epochs - record.initial_epoch
        if not call.cut and not timer.stopped_by_us and timer.epochs < planned and model.stop_training:
            record.stopped_at = max(record.stopped_at or 0, timer.epochs)
        doubt = record.declined or self._doubts.pop(call.index, "")
        if doubt and timer.first_step_done:  # fit itself accepted the arguments
            place = f"{os.path.basename(record.site.file)}:{record.site.line}"
            session.missing(f"The record of the fit at {place} is incomplete: {doubt}.")
        record.parameters = record.parameters or _parameters(model)
        if record.calls_run == 1:  # the script may crash before the next regular save
            session.save_now()

    # hooks

    def before_hook(self, name: str, timer: FitTimer, callbacks: Any) -> None:
        """Records that Keras is about to call a hook of all callbacks."""
        if name == "on_train_begin":
            self._prepare_timer(timer, callbacks)
            self._time_callbacks(callbacks)
        elif name == "on_epoch_begin":
            self._callback_timer.epoch_begins()
        elif name == "on_epoch_end":
            timer.curve.learning_rate = learning_rate.current(callbacks.model.optimizer)
        note = NOTED_BEFORE.get(name)
        if note is not None:
            note(timer)

    def after_hook(self, name: str, timer: FitTimer, callbacks: Any, arguments: tuple[Any, ...]) -> None:
        """Records that a hook of all callbacks has returned."""
        if name == "on_train_batch_end" and timer.following:
            self.step_sent(timer, callbacks, arguments[0])
        note = NOTED_AFTER.get(name)
        if note is not None:
            note(timer)
        if name == "on_train_begin":
            self._read_weights(timer, callbacks.model)
        elif name == "on_epoch_end":
            timer.record.metrics = timer.record.metrics or compiled_metrics.records(callbacks.model)
            self.epoch_ended(timer, callbacks.model, *arguments[:2])

    def epoch_ended(self, timer: FitTimer, model: Any, number: int = 0, logs: Any = None) -> None:
        """Records the end of an epoch. One that was cut gives no point of the learning curve."""
        if not self.running or not self.running[-1].cut:
            record = timer.record
            if record.steps_basis == "unknown" and timer.epoch_steps:
                record.steps_per_epoch, record.steps_basis = timer.epoch_steps * record.steps_per_execution, "counted"
            steps = timer.epoch_steps * record.steps_per_execution
            timer.curve.epoch_ends(number, timer.seconds(), steps, logs)
            self._read_weights(timer, model)
        timer.epoch_end_returned()

    @staticmethod
    def validation_ended(timer: FitTimer) -> None:
        """Records the end of fit's own pass over the validation data."""
        if not timer.record.validation_steps and not timer.record.cut:
            timer.record.validation_steps = timer.validation.steps * timer.record.steps_per_execution
        timer.validation_ends()

    def step_sent(self, timer: FitTimer, callbacks: Any, batch: int) -> None:
        """Notes when a step is computed, on a backend that computes in the background.

        Reading a step's logs waits for its computation. Keras reads them on a thread of its own or in the hook. The
        probe waits for nothing more: a second wait on that thread would make the loop's thread yield once more at every
        step.
        """
        number = batch // timer.sampler.batches_per_step
        if not timer.record.asynchronous_hooks:
            timer.computed(number, hooks_s=0.0, here=True)
        elif futures := getattr(callbacks, "_futures", None):
            future = futures[-1]
            if future.done():
                self._computed(timer, number, batch)
            else:
                future.add_done_callback(lambda future: guard.guarded(self._computed, timer, number, batch))

    def _computed(self, timer: FitTimer, number: int, batch: int) -> None:
        """Notes, on any thread, that a step was computed and hooks have got its logs."""
        if timer is self._session.timer:
            timer.computed(number, hooks_s=self._callback_timer.beside_s(batch), here=False)

    def _read_weights(self, timer: FitTimer, model: Any) -> None:
        """Reads some entries of the weights, where that is cheap. A failure ends it and is reported."""
        session, call = self._session, self.running[-1] if self.running else None
        if session.hurried or call is None or call.timer is not timer or self._weights_failed or not model.built:
            return
        began_s = time.perf_counter()
        try:
            with session.ledger.within("probe"):
                call.weights = call.weights or WeightMovement(timer.record, model, self._reading_budget)
                call.weights.read(timer.epochs, timer.seconds())
        except Exception as error:  # a user's own variables may raise anything
            self._weights_failed = True
            session.missing(f"The movement of the weights was not recorded: {type(error).__name__}: {error}")
        timer.discount(time.perf_counter() - began_s)

    def _prepare_timer(self, timer: FitTimer, callbacks: Any) -> None:
        """Gives the timer what is known once Keras has made its list of callbacks."""
        timer.sampler.callback_list = callbacks
        timer.sampler.batches_per_step = describe.steps_per_execution(callbacks.model)
        timer.sampler.epoch_batches = (getattr(callbacks, "params", None) or {}).get("steps")
        timer.record.asynchronous_hooks = bool(getattr(callbacks, "_async_train", False))
        if self._session.record.environment.get("backend") in backends.ASYNCHRONOUS:
            timer.device.overlap = Overlap()

    def _time_callbacks(self, callbacks: Any) -> None:
        """Times the hooks of each callback until the fit ends. The list of callbacks itself stays unchanged."""
        session = self._session
        record = session.record.fits[session.fit_index]
        items = list(callbacks.callbacks)
        if not record.callbacks:
            record.callbacks = describe.callbacks(items)
            record.debug_switches = debug_switches.on()
        eager = record.run_eagerly or record.eager_globally
        python = (
            eager
            or any(step.python for step in record.operations)
            or any(callback.own for callback in record.callbacks)
        )
        if python and not session.hurried and record.calls_run == 1 and self._sampler is None and session.timer:
            self._sampler = StackSampler(session.timer, steps=eager, switch_s=session.switch_s)
            self._sampler.start()
        restores = self.running[-1].restores
        for described, callback in zip(record.callbacks, items, strict=False):
            self._callback_timer.follow(callback, described, restores, asynchronous=record.asynchronous_hooks)


def _described(model: Any, bound: dict[str, Any], site: Site) -> Fit:
    """The record of a fit. Where its arguments are wrong, fit itself reports that, and only the place is recorded."""
    try:
        return describe.fit(model, bound, site)
    except Exception as error:
        return Fit(site=site, declined=f"its arguments could not be read ({type(error).__name__}: {error})")


def _parameters(model: Any) -> int:
    return int(model.count_params()) if model.built else 0
