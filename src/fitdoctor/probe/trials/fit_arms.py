"""The arms of one fit:

each has its own input, compiled function and settings, and is stepped as fit's own loop would step it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change, SetArgument, ThrottleHook, edits_input, from_data
from fitdoctor.probe import backends
from fitdoctor.probe.apply import callbacks as callback_settings
from fitdoctor.probe.apply import live, torch_loaders
from fitdoctor.probe.apply.workers import sets_workers
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trainer import keras_internals, loops
from fitdoctor.probe.trials.arm import Runner
from fitdoctor.probe.trials.equivalence.batches import verify_batches
from fitdoctor.probe.trials.equivalence.training_state import TrainingState
from fitdoctor.probe.trials.equivalence.weights import SameWeights
from fitdoctor.probe.trials.feeds import tfdata
from fitdoctor.probe.trials.units.epoch import Epochs
from fitdoctor.probe.trials.units.lead_in import lead_of
from fitdoctor.probe.trials.units.validation import Validations
from fitdoctor.probe.trials.units.whole_epoch import Wholes

WINDOW_S = 0.015
"""Short and many:

windows of 15 ms had the same deviation as windows of 100 ms, so an effect is told in a fraction of the time.
"""
LONGEST_WINDOW_S = 0.4
LONGEST_PERIOD_S = 1.0
"""A callback that acts every so many batches must act equally often in each window, where that does not make it too
long.
"""
WARM_S = 0.06
BUFFERS = 4
"""A window must be long against what a pipeline holds ready, or it measures the store and not the producer."""
STRETCH_S = 1.0
"""A continuous stretch:

long against windows, so that whatever only a running pipeline costs (tuning, waking, refills) is in it.
"""
FILL_S = 0.3


class FitArms:
    """Prepares, verifies and times arms inside the user's fit.

    Args:
        model: The model, compiled, as the script passed it.
        bound: Fit's arguments by name.
        cores: Cores that this process may use.
    """

    def __init__(self, model: Any, bound: dict[str, Any], cores: int) -> None:
        self.model, self.bound = model, dict(bound)
        keras_internals.train_as_compiled(model)
        if bound["validation_split"] and bound["validation_data"] is None:
            names = ("x", "y", "sample_weight")
            training, self.bound["validation_data"] = keras_internals.split_off(
                tuple(bound[name] for name in names), bound["validation_split"]
            )
            self.bound.update(zip(names, training, strict=True))
        self.feeds = tfdata.of(model, self.bound, cores)
        self._loop = loops.of(model)
        self.callbacks = keras_internals.callback_list(model, bound)
        steps = kinds.steps_of(self.bound["x"], self.bound["batch_size"], self.bound["steps_per_epoch"])
        self._validations = Validations(model, self.bound, self.callbacks)
        self._epochs = Epochs(self.feeds, steps, self._enter, self._go)
        self._wholes = Wholes(self.feeds, self._enter, self._go, self._end_epoch, self._validations.run)
        self._weights = SameWeights(self.feeds, self._loop, self._enter)
        self._functions: dict[tuple[Any, ...], Any] = {}
        self._runners: dict[str, Runner] = {}
        self.standing: TrainingState | None = None
        self._unit = ""
        self._said: set[str] = set()
        self._began = False
        self.at: Callable[[str], None] = lambda _: None
        """Told of each arm before a window of it: who it was stays known where the process does not live through it."""

    # one arm

    def prepare(self, arm: dict[str, Any]) -> dict[str, Any]:
        """Builds an arm and takes its first steps: what that costs is the arm's one-off.

        Every arm is prepared from the same state: that in which the first one left the model, as only then all of it is
        built.
        """
        changes = [from_data(change) for change in arm["changes"]]
        if self.standing is not None:
            self._stand(whole=arm["unit"] != self._unit)
        self._unit = arm["unit"]
        undo = live.to_construction(changes)
        try:
            reply = self._prepare(arm, changes)
        finally:
            undo()
        if self.standing is None and self._began and self.model.built:
            self.standing = TrainingState(self.model, self.callbacks.callbacks)
        return {**reply, "limits": self._take_limits()}

    def _stand(self, *, whole: bool) -> None:
        assert self.standing is not None
        self.standing.restore(whole=whole)
        self.standing.check(whole=whole)

    def _take_limits(self) -> list[str]:
        """What the report must say of how arms are tried here, each once."""
        found = [*self.feeds.limits(), *(self.standing.limits if self.standing is not None else ())]
        new = [sentence for sentence in found if sentence not in self._said]
        self._said.update(new)
        return new

    def _prepare(self, arm: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
        if why := keras_internals.not_tried(self.model, self.bound, changes):
            raise ValueError(why)
        stray = [change for change in changes if not _fits(change, arm["unit"])]
        if stray:
            raise ValueError(
                f"a {stray[0].kind} of {getattr(stray[0], 'call', 'a stage')} has no effect on a {arm['unit']}"
            )
        began_s = time.perf_counter()
        runner = Runner(changes)
        if arm["unit"] == "step":
            reply = self._prepare_steps(arm, runner, began_s)
        elif arm["unit"] == "stretch":
            self._enter(runner, new=True, fresh=_is_placebo(arm))()
            runner.dataset = self.feeds.continuous(changes, anew=_is_placebo(arm))
            reply = {"one_off_s": 0.0, "unit_s": 0.0}
        elif arm["unit"] == "epoch":
            self._begin()
            reply = self._epochs.prepare(runner, arm.get("epoch_steps"), fresh=_is_placebo(arm))
        elif arm["unit"] == "whole":
            self._begin()
            if "validation" in arm["parts"]:
                self._validations.prepare(runner, fresh=False)
            reply = self._wholes.prepare(runner, arm)
        elif arm["unit"] == "validation":
            self._begin()
            reply = self._validations.prepare(runner, fresh=_is_placebo(arm))
        else:
            undo = live.to_callbacks(self.callbacks.callbacks, changes)
            undo()
            runner.units = live.rarest(changes, "on_epoch")
            reply = {"one_off_s": 0.0, "unit_s": 0.0}
        self._runners[arm["id"]] = runner
        return reply

    def _prepare_steps(self, arm: dict[str, Any], runner: Runner, began_s: float) -> dict[str, Any]:
        self._begin()
        if arm["remedy"] == "input-free":
            runner.dataset = self.feeds.fixed()
        else:
            runner.dataset = self.feeds.endless(runner.changes, anew=_is_placebo(arm))
        runner.iterator = iter(runner.dataset)
        undo = self._enter(runner, new=True, fresh=_is_placebo(arm))
        throttled = live.rarest(runner.changes, "on_train_batch") * runner.steps
        runner.period = max(callback_settings.period(self.callbacks.callbacks), throttled)
        try:
            made_s = time.perf_counter()
            self._go(runner, runner.steps)
            first_s = max(time.perf_counter() - made_s, self._weights.first_s.get(runner.function, 0.0))
            one_off_s = made_s - began_s + first_s - self.feeds.take_aside_s()
            unit_s = self._warm(runner)
        finally:
            undo()
        held = self.feeds.read_ahead(runner.dataset, runner.changes)
        with loops.to_the_end(self._loop):
            lead = lead_of(runner.iterator, held=held, unit_s=unit_s)
        runner.lead = math.ceil(lead / runner.steps) * runner.steps
        wanted = max(WINDOW_S / unit_s, BUFFERS * (held + 1))
        wanted = min(wanted, max(1.0, LONGEST_WINDOW_S / unit_s))
        if runner.period * unit_s <= LONGEST_PERIOD_S:
            wanted = math.ceil(wanted / runner.period) * runner.period
        runner.units = max(1, round(wanted / runner.steps)) * runner.steps
        cpu_contention.wait_until_quiet()
        return {
            "one_off_s": one_off_s,
            "unit_s": unit_s,
            "note": self.feeds.take_note(),
            "sentence": self.feeds.take_sentence(),
        }

    def _warm(self, runner: Runner) -> float:
        """Steps for a moment, and returns the seconds of one step, from the later half."""
        half_s = WARM_S / 2
        loops.go_for(half_s, runner.steps, lambda units: self._go(runner, units))
        began_s = time.perf_counter()
        taken = loops.go_for(half_s, runner.steps, lambda units: self._go(runner, units))
        return (time.perf_counter() - began_s) / taken

    def _begin(self) -> None:
        if self._began:
            return
        self._began = True
        if not backends.on_tensorflow():
            keras_internals.build(self.model, lambda: self.feeds.dataset([]))
        elif self.model.built:
            keras_internals.build_optimizer(self.model)
        self.callbacks.on_train_begin()
        self.callbacks.on_epoch_begin(0)

    def _enter(self, runner: Runner, *, new: bool = False, fresh: bool = False) -> live.Undo:
        """Puts an arm's settings and function in place; the result puts the script's own back.

        Arms with the same settings share a compiled function, unless `fresh` asks for one of its own: the placebo goes
        through all that a remedy goes through.
        """
        model = self.model
        before = model.train_function
        undo_model = live.to_model(model, runner.changes)
        try:
            undo_callbacks = live.to_callbacks(self.callbacks.callbacks, runner.changes, runner.calls)
        except BaseException:
            undo_model()
            raise
        runner.steps = int(keras_internals.setting(model, "steps_per_execution") or 1)
        if new:
            key = live.traced_as(model)
            runner.function = None if fresh else self._functions.get(key)
            if runner.function is None:
                runner.function = loops.made(model)
                self._functions.setdefault(key, runner.function)
        model.train_function = runner.function

        def undo() -> None:
            self._loop.rest()
            undo_callbacks()
            undo_model()
            model.train_function = before

        return undo

    def _go(self, runner: Runner, units: int) -> int:
        """Steps an arm as fit's own loop does, and waits for the end of the last step.

        Returns how many steps they were.
        """
        callbacks, function, iterator, steps = self.callbacks, runner.function, runner.iterator, runner.steps
        step, first = self._loop.step, runner.step
        with loops.to_the_end(self._loop):
            for _ in range(max(1, units // steps)):
                callbacks.on_train_batch_begin(runner.step)
                runner.logs = step(function, iterator)
                callbacks.on_train_batch_end(runner.step + steps - 1, runner.logs)
                runner.step += steps
        if getattr(callbacks, "_async_train", False):
            callbacks._flush_futures()  # hooks that Keras runs on a thread of its own, beside the steps
        return runner.step - first

    def close(self) -> None:
        """Ends what the first arm began, where the process lives on:

        a callback may hold files, threads or a profiler.
        """
        self._runners.clear()
        self._functions.clear()
        self._weights.first_s.clear()
        try:
            if self._began:
                self.callbacks.on_train_end()
        finally:
            self.feeds.close()

    # windows

    def windows(self, arms: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Times one window of each arm, all from the same state."""
        if self.standing is not None:
            self.standing.begin_round()
        return [self.window(arm) for arm in arms]

    def window(self, arm: dict[str, Any]) -> dict[str, Any]:
        """Times one window of an arm."""
        self.at(arm["id"])
        runner = self._runners[arm["id"]]
        if self.standing is not None:
            self.standing.begin_window()
        if arm["unit"] == "epoch_end":
            return self._epoch_window(arm, runner)
        if arm["unit"] == "epoch":
            return self._epochs.window(runner)
        if arm["unit"] == "whole":
            return self._wholes.window(runner)
        if arm["unit"] == "validation":
            return _timed(lambda: self._validations.run(runner), 1)
        if arm["unit"] == "stretch":
            return self._stretch(runner)
        undo = self._enter(runner)
        try:
            if runner.lead:
                calls = dict(runner.calls)
                self._go(runner, runner.lead)
                runner.calls.update(
                    calls
                )  # of the calls that are timed, one of so many is to run, also where windows are short
            timed = _timed(lambda: self._go(runner, runner.units), runner.units)
        finally:
            undo()
        cpu_contention.wait_until_quiet()
        return timed

    def step_on(self, arm_id: str, batches: Any, steps: int) -> None:
        """Takes so many steps on other batches, with an arm's compiled function and the model's own settings."""
        function = self._runners[arm_id].function
        for _ in range(steps):
            self._loop.step(function, batches)
        self._loop.rest()

    def _stretch(self, runner: Runner) -> dict[str, Any]:
        """Times an arm's pipeline as tf.data runs and tunes it by itself, from a fresh iterator that is gone
        afterwards.
        """
        runner.iterator = iter(runner.dataset)
        undo = self._enter(runner)
        try:
            loops.go_for(FILL_S, runner.steps, lambda units: self._go(runner, units))
            waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
            taken = loops.go_for(STRETCH_S, runner.steps, lambda units: self._go(runner, units))
            return cpu_contention.window(time.perf_counter() - began_s, taken, waited_s=waited_s)
        finally:
            undo()
            runner.iterator = None
            cpu_contention.wait_until_quiet()

    def _epoch_window(self, arm: dict[str, Any], runner: Runner) -> dict[str, Any]:
        self._begin()
        runner.logs = self._epoch_logs()
        undo = live.to_callbacks(self.callbacks.callbacks, runner.changes, runner.calls)

        def ends() -> None:
            for _ in range(runner.units):
                self._end_epoch(runner)

        try:
            return _timed(ends, runner.units)
        finally:
            undo()

    def _end_epoch(self, runner: Runner) -> None:
        self._loop.rest()
        self.callbacks.on_epoch_end(runner.epoch, self._epoch_logs() if runner.parts else runner.logs)
        runner.epoch += 1
        self.callbacks.on_epoch_begin(runner.epoch)

    def _epoch_logs(self) -> dict[str, Any]:
        """Logs as an epoch's end has them.

        The callbacks see values of this moment, `val_` ones standing for validation.
        """
        logs = {name: float(value) for name, value in self.model.get_metrics_result().items()}
        if self.bound["validation_data"] is not None:
            logs |= {f"val_{name}": value for name, value in logs.items()}
        return logs

    # verification

    def verify(self, arm: dict[str, Any]) -> dict[str, str]:
        """Compares an arm with the baseline: its first batches, and the weights after some steps on the same batches.

        Where it changes nothing of its input, its batches are the script's own: that is said once its weights were
        compared.
        """
        changes = [from_data(change) for change in arm["changes"]]
        if arm["unit"] not in ("step", "epoch"):
            return {"batches": "", "weights": "", "why": ""}
        of_input = [edits_input(change) for change in arm["changes"]]
        batches = verify_batches(self.feeds, self.bound["x"], changes) if any(of_input) else {"batches": "", "why": ""}
        if of_input and all(of_input):
            return {"weights": "", **batches}
        self._begin()
        if self.standing is None:
            self.standing = TrainingState(self.model, self.callbacks.callbacks)
        unsafe_reason = keras_internals.unlike_itself(self.model)
        weights = (
            {"weights": "", "why": unsafe_reason} if unsafe_reason else self._weights.verify(changes, self.standing)
        )
        if weights["weights"] and not any(of_input):
            batches["batches"] = "same"
        return {**batches, **weights, "why": weights["why"] or batches["why"]}


def _is_placebo(arm: dict[str, Any]) -> bool:
    """Whether an arm is the A/A one, which goes through all that any other may: a function and data of its own."""
    return bool(arm["role"] == "placebo")


def _fits(change: Change, unit: str) -> bool:
    """Whether a trial of this unit carries the change out: an arm that changes nothing would look refuted."""
    of_input = isinstance(change, SetArgument) and sets_workers(change)
    of_fit = (
        isinstance(change, SetArgument) and change.call == "Model.fit" and change.argument != "verbose" and not of_input
    )
    of_callback = isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0
    of_workers = bool(torch_loaders.settings([change]))
    if unit == "whole":
        return True
    if unit == "validation":
        return of_fit
    if unit == "epoch_end":
        return of_callback
    if unit == "epoch":
        return of_fit or of_workers or change.place.position >= 0
    return not of_fit


def _timed(run: Any, units: int) -> dict[str, Any]:
    waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
    run()
    return cpu_contention.window(time.perf_counter() - began_s, units, waited_s=waited_s)
