"""Follows what a script makes Keras do and writes it down; what is run, cut or replaced is for its subclasses to
decide.
"""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.instrument import step_hooks, thread_settings
from fitdoctor.probe.instrument.callback_timing import CallbackTimer
from fitdoctor.probe.instrument.tf_tracing import TracedFunctions
from fitdoctor.probe.observe import call_identity, describe
from fitdoctor.probe.observe.weight_movement import Allowance, MovedWeights
from fitdoctor.probe.sampling.thread_sampler import StackSampler
from fitdoctor.probe.support import call_sites, creation_sites, guard
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.timing import call_spans
from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import StepSkip
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.probe.trainer import compiled_metrics, debug_switches, learning_rate
from fitdoctor.recording.model import CallSiteRecord, Ending, Fit, ProcessRecord, PythonOperation, Site
from fitdoctor.recording.model.system import Span

MOST_PYTHON_OPERATIONS = 64
"""Kept of one fit:

a step that is traced again and again brings new ones each time, for as long as the training runs.
"""
MOST_LIMITS = 64


@dataclass(slots=True)
class Visit:
    """One call of `fit` while it runs. `timed` gives the callbacks the hooks back that ours stand in for.

    `weights` reads how the model's weights move, where that is learned.
    """

    index: int
    timer: FitTimer
    outer: tuple[FitTimer | None, int, bool, Any]
    span: Span
    timed: list[Callable[[], None]] = field(default_factory=list)
    weights: MovedWeights | None = None


class Observer(ABC):
    """Keeps the record of every Keras call that the main thread makes.

    `enter_fit` and `leave_fit`, `enter_loop` and `leave_loop`, `before_hook` and `after_hook` come in pairs around the
    script's own call; they record and never decide.

    Args:
        scout: The record that is filled.
        ledger: The account of the main thread.
        save: Writes the record.
    """

    hurried = False
    """Whether the unit that runs is not worth a closer look: the way to a rehearsal's target."""
    stamped: Mapping[str, step_hooks.Stamps] = {}
    """Hooks that no decision is taken about, with what is noted before and after each."""
    cuts = True
    """Whether an epoch may end early."""
    switch_s: float | None = None
    """The interpreter's switch interval while stacks are sampled; None leaves it as it is, as a real training must."""

    def __init__(self, scout: ProcessRecord, ledger: Ledger, save: Any) -> None:
        self.scout, self.ledger, self._save = scout, ledger, save
        self.timer: FitTimer | None = None
        self._fits: dict[tuple[str, int], int] = {}
        self._loops: dict[tuple[str, str, int, int, str], CallSiteRecord] = {}
        self._identities: dict[int, call_identity.Identities] = {}
        self._traced = TracedFunctions(scout.traced)
        self._current = -1
        self.in_loop = self.skips_steps = False
        self.step_skip = StepSkip()
        self._outside_loops: list[Any] = []
        self._settled = self._called = False
        self._visits: list[Visit] = []
        self._doubts: dict[int, str] = {}
        """By fit, what could not be learned of a call before it began."""
        self._sampler: StackSampler | None = None
        self.main = threading.get_ident()
        self._allowance, self._blind = Allowance(), False
        self._hook_times = CallbackTimer(self)
        guard.hear(self)

    @abstractmethod
    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The script calls `fit`, `evaluate`, `predict` or an `…_on_batch`: gives what it gets."""

    @abstractmethod
    def hook(
        self, name: str, original: Any, callbacks: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]
    ) -> Any:
        """Keras calls a hook of all callbacks."""

    @abstractmethod
    def stop_here(self, iterator: Any) -> bool:
        """Whether an epoch or a pass over the validation data is to end now."""

    def imported(self, keras: ModuleType) -> None:
        if not self._settled:
            backends.use(keras)
            self.scout.environment = describe.environment(keras)

    def _settle(self, model: Any, *, certain: bool) -> None:
        """Says which Keras this is about, where the script has imported several:

        that of its first fit, or else of its first call.
        """
        keras = backends.keras_of(model)
        backends.use(keras)
        if self._settled or self._called and not certain:
            return
        self._settled, self._called = certain, True
        if self.scout.environment.get("backend") != backends.name_of(keras):
            self.scout.environment = describe.environment(keras)

    def _name_devices(self) -> None:
        if "devices" not in self.scout.environment and (devices := backends.current().devices()) is not None:
            self.scout.environment["devices"] = devices
            self.scout.threads = thread_settings.settings()  # settled together with the devices
            self.scout.environment["quota_cores"] = thread_settings.quota_cores()

    def constructed(self, callback: Any) -> None:
        creation_sites.mark(callback, call_sites.of_object(callback))

    def python_operation(self, operation: PythonOperation) -> None:
        """A step that is traced now will call back into Python."""
        if self.timer is not None and not self.timer.validating and not self.in_loop:
            kept = self.timer.record.python_operations
            if len(kept) < MOST_PYTHON_OPERATIONS:
                kept.append(operation)

    def batch_waited(self, seconds: float) -> None:
        """The loop, or the train function, waited so long for a batch."""
        if self.timer is not None and self.draws_training_batch():
            self.timer.batch_waited(seconds)

    def draws_training_batch(self) -> bool:
        """Whether a batch that is drawn now is one that the fit trains on."""
        return self.timer is not None and self.on_main_thread() and not self.timer.validating and not self.in_loop

    def sent(self, timer: FitTimer, callbacks: Any, batch: int) -> None:
        """A step's logs are about to become numbers on a thread of Keras', or have become that here: that waits until
        it is computed.

        Nothing more is waited for: another wait on that thread would have the loop's thread give way once more at every
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
        """On whatever thread: a step was computed, and hooks were given its logs."""
        if timer is self.timer:
            timer.computed(number, hooks_s=self._hook_times.beside_s(batch), here=False)

    def compiled_step(self, seconds: float) -> None:
        """JAX or torch.compile made a program of a train step."""
        timer = self.timer
        if (
            timer is None
            or not self.on_main_thread()
            or self.in_loop
            or timer.validating
            or timer.hook
            or not timer.in_epoch
        ):
            return
        add(timer.record.traces, seconds)
        if timer.first_step_done:
            add(timer.record.recompiled, seconds)

    def compiled(self, model: Any) -> None:
        creation_sites.mark(model, call_sites.find())
        call_identity.count_compile(model)

    def traced(self, code: CodeType | None, seconds: float) -> None:
        """TensorFlow traced a function, for that long."""
        if not self.on_main_thread():
            return
        if self.timer is not None and self.timer.in_epoch and not self.timer.hook:
            add(self.timer.record.traces, seconds)
        self._traced.add(code, seconds)

    def on_main_thread(self) -> bool:
        return threading.get_ident() == self.main

    # fit

    def open_fit(self, model: Any, bound: dict[str, Any]) -> int:
        """Counts a call of `fit` and gives the index of its call site's record."""
        site = call_sites.find() or Site(file="", line=0)
        self._settle(model, certain=True)
        self._name_devices()
        self.ledger.rebase("script")
        index = self._fits.setdefault((site.file, site.line), len(self.scout.fits))
        if index == len(self.scout.fits):
            self.scout.fits.append(_described(model, bound, site))
        self.scout.fits[index].calls += 1
        self._identify(index, model, bound)
        return index

    def _identify(self, index: int, model: Any, bound: dict[str, Any]) -> None:
        try:
            self._identities.setdefault(index, call_identity.Identities()).note(self.scout.fits[index], model, bound)
        except Exception as error:  # arguments that make no sense: fit itself will say so in its own words
            self._doubts[index] = f"its models and data could not be counted ({guard.said(error)})"

    def enter_fit(self, index: int) -> Visit:
        """From here on the hooks belong to this call."""
        record = self.scout.fits[index]
        outer = (self.timer, self._current, self.in_loop, self.step_skip.pause())
        timer = FitTimer(
            record, step_skip=self.step_skip if self.skips_steps and self.timer is None else None
        )  # a fit in a callback's hook is looked at
        visit = Visit(index, timer, outer, call_spans.opened(record))
        self._visits.append(visit)
        self.timer, self._current, self.in_loop = visit.timer, index, False
        record.calls_run += 1
        self.ledger.push("fit")
        return visit

    def leave_fit(self, visit: Visit) -> float:
        """Closes the call's account, whether it returned or raised, and gives its seconds."""
        self.ledger.pop()
        self._name_devices()
        timer = visit.timer
        timer.fit_ends()
        seconds = time.perf_counter() - timer.began_s
        visit.span.ended_s = time.monotonic()
        if self._sampler is not None and self._sampler.owner is timer:
            timer.record.hot_lines, self._sampler = self._sampler.stop(), None
        self._visits.remove(visit)
        self.take_off(visit)
        self.timer, self._current, self.in_loop, paused = visit.outer
        self.step_skip.resume(paused)
        timer.sampler.callback_list = None  # what Keras has not waited for yet may hold the timer
        if self.timer is not None:
            self.timer.nested_s += seconds  # a fit in a callback's hook is a cost of its own
        return seconds

    @staticmethod
    def take_off(visit: Visit) -> None:
        """Gives the callbacks their hooks back."""
        for restore in visit.timed:
            guard.guarded(restore)

    def learn_from(self, visit: Visit, model: Any, *, cut: bool = False) -> None:
        """Notes what is known only once the call has returned; of one that was cut, its length is not."""
        timer, record = visit.timer, visit.timer.record
        planned = record.epochs - record.initial_epoch
        if not cut and not timer.stopped_by_us and timer.epochs < planned and model.stop_training:
            record.stopped_at = max(record.stopped_at or 0, timer.epochs)
        doubt = record.declined or self._doubts.pop(visit.index, "")
        if doubt and timer.first_step_done:  # the call made sense to fit
            self.missing(
                f"Of the fit at {os.path.basename(record.site.file)}:{record.site.line} something is missing: {doubt}."
            )
        record.parameters = record.parameters or _parameters(model)
        if (
            record.calls_run == 1
        ):  # a machine that is busy saves late, and the script may crash: the first of each place is kept at once
            self.save_now()

    def validation(self, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """Runs fit's own pass over the validation data."""
        timer = self.timer
        assert timer is not None
        timer.validation_begins()
        try:
            return original(model, *arguments, **keywords)
        finally:
            self.validated(timer)

    @staticmethod
    def validated(timer: FitTimer) -> None:
        if not timer.record.validation_steps and not timer.record.cut:
            timer.record.validation_steps = timer.validation.steps * timer.record.steps_per_execution
        timer.validation_ends()

    # hooks

    def before_hook(self, name: str, timer: FitTimer, callbacks: Any) -> None:
        if name == "on_train_begin":
            self._follow_overlap(timer, callbacks)
            self._watch_callbacks(callbacks)
        elif name == "on_epoch_begin":
            self._hook_times.epoch_begins()
        elif name == "on_epoch_end":
            timer.curve.learning_rate = learning_rate.current(callbacks.model.optimizer)
        before = BEFORE.get(name)
        if before is not None:
            before(timer)

    def after_hook(self, name: str, timer: FitTimer, callbacks: Any, arguments: tuple[Any, ...]) -> None:
        if name == "on_train_batch_end" and timer.following:
            self.sent(timer, callbacks, arguments[0])
        after = AFTER.get(name)
        if after is not None:
            after(timer)
        if name == "on_train_begin":
            self._read_weights(timer, callbacks.model)
        elif name == "on_epoch_end":
            timer.record.metrics = timer.record.metrics or compiled_metrics.records(callbacks.model)
            self.epoch_ended(timer, callbacks.model, *arguments[:2])

    def epoch_ended(self, timer: FitTimer, model: Any, number: int = 0, logs: Any = None) -> None:
        """An epoch is over that ran to its end."""
        record = timer.record
        if record.steps_basis == "unknown" and timer.epoch_steps:
            record.steps_per_epoch, record.steps_basis = timer.epoch_steps * record.steps_per_execution, "counted"
        steps = timer.epoch_steps * record.steps_per_execution
        timer.curve.epoch_ends(number, timer.seconds(), steps, logs)
        self._read_weights(timer, model)
        timer.epoch_end_returned()

    def _read_weights(self, timer: FitTimer, model: Any) -> None:
        """Reads some entries of the weights, where that is cheap. What fails is left out, and said."""
        visit = self._visits[-1] if self._visits else None
        if self.hurried or visit is None or visit.timer is not timer or self._blind or not model.built:
            return
        began_s = time.perf_counter()
        try:
            with self.ledger.within("probe"):
                visit.weights = visit.weights or MovedWeights(timer.record, model, self._allowance)
                visit.weights.read(timer.epochs, timer.seconds())
        except Exception as error:  # whatever a stranger's variables make of our questions
            self._blind = True
            self.missing(f"How the weights moved was not seen: {type(error).__name__}: {error}")
        timer.discount(time.perf_counter() - began_s)

    def _follow_overlap(self, timer: FitTimer, callbacks: Any) -> None:
        """Learns whether the ends of batches run beside the loop, and follows what is computed meanwhile."""
        timer.sampler.callback_list = callbacks
        timer.sampler.batches_per_step, timer.sampler.epoch_batches = (
            describe.steps_per_execution(callbacks.model),
            (getattr(callbacks, "params", None) or {}).get("steps"),
        )
        timer.record.asynchronous_hooks = bool(getattr(callbacks, "_async_train", False))
        if self.scout.environment.get("backend") in backends.ASYNCHRONOUS:
            timer.device.overlap = Overlap()

    def _watch_callbacks(self, callbacks: Any) -> None:
        """Times each callback's own hooks until the fit ends:

        the list of callbacks and they themselves stay as the user made them.
        """
        record = self.scout.fits[self._current]
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
        if python and not self.hurried and record.calls_run == 1 and self._sampler is None and self.timer is not None:
            self._sampler = StackSampler(self.timer, steps=eager, switch_s=self.switch_s)
            self._sampler.start()
        for described, callback in zip(record.callbacks, items, strict=False):
            self._hook_times.follow(callback, described, self._visits[-1].timed, asynchronous=record.asynchronous_hooks)

    # predict, evaluate and the like

    def enter_loop(self, kind: str, model: Any, bound: dict[str, Any]) -> CallSiteRecord:
        """Counts a call of `predict` and the like; time is that call's from here on."""
        site = call_sites.find() or Site(file="", line=0)
        self._settle(model, certain=False)
        self.ledger.rebase("script")
        inside, hook = (self._current, self.timer.hook) if self.timer is not None else (-1, "")
        key = (kind, site.file, site.line, inside, hook)
        loop = self._loops.get(key)
        if loop is None:
            loop = self._loops[key] = CallSiteRecord(kind=kind, site=site, inside=inside, hook=hook)
            loop.jit_compile, loop.compile_site = (
                getattr(model, "jit_compile", False) is True,
                creation_sites.site_of(model),
            )
            self.scout.loops.append(loop)
        loop.calls += 1
        if loop.rows is None and "x" in bound:
            loop.rows, loop.batch_size = kinds.rows(bound["x"]), bound.get("batch_size") or 32
        self.in_loop = True
        if self.timer is not None:
            self.timer.in_loop = True
        self._outside_loops.append(self.step_skip.pause())
        self.ledger.push("loops")
        return loop

    def leave_loop(self, seconds: float) -> None:
        """Closes what `enter_loop` opened."""
        self.ledger.pop()
        self._name_devices()
        self.in_loop = False
        self.step_skip.resume(self._outside_loops.pop())
        if self.timer is not None:
            self.timer.in_loop = False
            self.timer.nested_s += seconds

    # bookkeeping

    def note_thread(self) -> None:
        site = call_sites.find()
        where = f" at {os.path.basename(site.file)}:{site.line}" if site else ""
        note = f"fit{where} was called in a thread; only what the main thread calls can be diagnosed so far."
        self.missing(note)

    def save_now(self) -> None:
        """Brings the account up to date and writes the record."""
        self.scout.parts = self.ledger.read() if self.on_main_thread() else self.ledger.peek()
        self.scout.wall_s = sum(self.scout.parts.values())
        self._save()

    def missing(self, why: str) -> None:
        """Says, once, in a sentence for the report, what could not be observed."""
        if why not in self.scout.limits and len(self.scout.limits) < MOST_LIMITS:
            self.scout.limits.append(why)

    def overdue(self, place: Site | None) -> None:
        """Called by the watchdog when the child's time is up."""
        self.end(Ending(how="limit", site=place))

    def end(self, ending: Ending) -> None:
        """Says how the script ended, once."""
        if self.scout.ending.how == "unfinished":
            self.scout.ending = ending
        self.save_now()


BEFORE = {
    "on_epoch_begin": FitTimer.epoch_begins,
    "on_train_batch_begin": FitTimer.step_begins,
    "on_train_batch_end": FitTimer.step_returned,
    "on_test_batch_begin": FitTimer.validation_step_begins,
    "on_epoch_end": FitTimer.steps_end,
}
AFTER = {
    "on_train_batch_begin": FitTimer.step_dispatched,
    "on_train_batch_end": FitTimer.step_ends,
    "on_test_batch_end": FitTimer.validation_step_ends,
    "on_epoch_end": FitTimer.epoch_ends,
}
OF_EACH_BATCH = ("on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin", "on_test_batch_end")


def bind(original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name, defaults filled in."""
    bound = inspect.signature(original).bind(model, *arguments, **keywords)
    bound.apply_defaults()
    named = dict(bound.arguments)
    named.pop("self", None)
    named.update(named.pop("kwargs", {}))
    return named


def _described(model: Any, bound: dict[str, Any], site: Site) -> Fit:
    """The record of a fit; only its place where its arguments make no sense, which fit itself will say in its own
    words.
    """
    try:
        return describe.fit(model, bound, site)
    except Exception as error:
        return Fit(site=site, declined=f"its arguments could not be read ({type(error).__name__}: {error})")


def _parameters(model: Any) -> int:
    return int(model.count_params()) if model.built else 0
