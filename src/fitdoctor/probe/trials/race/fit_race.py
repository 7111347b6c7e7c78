"""Trains the model of a fit repeatedly, with and without changes, and scores it after each lap."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from fitdoctor.changes.model import Change, from_data
from fitdoctor.probe.apply import live, materialize, scaling
from fitdoctor.probe.inputs import kinds, nests
from fitdoctor.probe.observe import input_statistics
from fitdoctor.probe.state.model_snapshot import Snapshot
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer import keras_internals, loops
from fitdoctor.probe.trainer.keras_internals import unpacked
from fitdoctor.probe.trainer.learning_rate import constant as learning_rate
from fitdoctor.probe.trials.feeds import feeds_of
from fitdoctor.probe.trials.feeds.base import READ_ONCE, Feeds
from fitdoctor.probe.trials.race import initial_weights
from fitdoctor.probe.trials.race.callbacks import CallbackRules
from fitdoctor.probe.trials.race.scorer import BATCH_ROWS, RaceScorer, plain, with_validation
from fitdoctor.recording.plain import LONGEST_MESSAGE
from fitdoctor.recording.trial_protocol import ArmSpec, LapDone, RacePrepared, RacerReady, RunStarted

# Seconds of steps from which the cost of a racer's step is estimated before the race.
SETTLE_S = 0.3
# Share of the free memory for the copies of the arrays that other batch sizes need.
MEMORY_SHARE = 0.25


@dataclass(slots=True)
class Racer:
    """The input, the functions and the scaling of one arm."""

    changes: list[Change]
    iterator: Any
    scales: list[scaling.Scale | None] = field(default_factory=list)
    train: Any = None
    test: Any = None
    epoch_steps: int = 0


@dataclass(slots=True)
class Progress:
    """How far a run is. `steps` are those of the current epoch."""

    epoch: int = 0
    steps: int = 0
    begun: bool = False


class FitRace:
    """The races at one fit. It must be created before anything trains the model there.

    Args:
        model: The model, as the script passed it.
        bound: Fit's arguments by name, validation already split off.
        plain: The input as these arguments give it.
        cores: Cores that this process may use.
    """

    def __init__(self, model: Any, bound: dict[str, Any], plain: Feeds, cores: int) -> None:
        self._model, self._cores = model, cores
        self._loop = loops.of(model)
        self._racers: dict[str, Racer] = {}
        self._functions: dict[bool, tuple[Any, Any]] = {}
        self._shorter: dict[tuple[bool, int], Any] = {}
        self._feeds: dict[Any, Feeds] = {}
        self._drawn_weights: tuple[int, list[Any] | None] = (-1, None)
        self._progress = Progress()
        self._unsafe_reason = ""
        try:
            self._rules = CallbackRules(bound["callbacks"], model, int(bound["epochs"]))
            self._reads_once = kinds.input_kind(bound["x"]) == "generator"
            if self._reads_once and bound["validation_data"] is None:
                raise ValueError("its input is a Python generator, and there is no validation data to score racers on")
            self._bound, self._score_data, self._judged_on = with_validation(bound)
            if self._bound is bound:
                self._feeds[None] = plain
            self._build()
            self._start = Snapshot(model)
            self._may_redraw = self._is_untrained()
        except Exception as error:
            self._unsafe_reason = _error_text(error)

    def _build(self) -> None:
        """Builds what fit builds with its first batch."""
        if why := keras_internals.not_tried(self._model, self._bound, []):
            raise ValueError(why)
        if self._model.optimizer is None:
            raise ValueError("the model was compiled without an optimizer")
        keras_internals.build(self._model, lambda: self._feed(None).dataset([]))

    def _is_untrained(self) -> bool:
        if int(self._model.optimizer.iterations) > 0:
            return False
        drawn = initial_weights.draw(self._model, 0)
        return drawn is not None and initial_weights.looks_fresh(self._start.weights(), drawn)

    def _feed(self, batch_size: int | None) -> Feeds:
        """The input for a batch size. Arrays are copied once for each size."""
        if batch_size not in self._feeds:
            if batch_size is not None:
                self._check_memory()
            bound = self._bound if batch_size is None else {**self._bound, "batch_size": batch_size}
            self._feeds[batch_size] = feeds_of(self._model, bound, self._cores)
        return self._feeds[batch_size]

    def _check_memory(self) -> None:
        import numpy as np

        held = sum(
            int(getattr(part, "nbytes", 0) or np.size(part) * 8)
            for _, part in nests.named_leaves(self._bound["x"], "x")
        )
        if held > materialize.free_bytes() * MEMORY_SHARE:
            raise ValueError("another copy of its arrays, for another batch size, does not fit into memory")

    def prepare(self, arms: list[ArmSpec], seconds: float = math.inf) -> RacePrepared:
        """Builds the racers, the first in any case.

        Args:
            arms: Of the racers.
            seconds: After so long no further racer is begun. One that is begun can't be cut off.

        Raises:
            ValueError: No race is possible here, or no racer could be built.
        """
        if self._unsafe_reason:
            raise ValueError(self._unsafe_reason)
        # Created late: Keras draws a batch when it makes a dataset of an input, and a generator gives it only once.
        self._scorer = RaceScorer(self._model, self._score_feeds())
        replies: dict[str, RacerReady] = {}
        until_s = time.perf_counter() + seconds
        for arm in arms:
            if replies and time.perf_counter() > until_s:
                replies[arm.id] = RacerReady(why="the time for races was used up before it was ready")
                continue
            try:
                replies[arm.id] = self.add(arm)
            except Exception as error:  # such as no memory for its batches: the others can race
                replies[arm.id] = RacerReady(why=_error_text(error))
        if not self._racers:
            raise ValueError(next(iter(replies.values())).why)
        first = next(iter(self._racers.values()))
        began_s = time.perf_counter()
        self._choose_metric(list(self._logs(first)))
        return RacePrepared(
            metric=self._scorer.metric,
            upwards=self._scorer.upwards,
            rule=" and ".join(self._rules.stopping) if self._has_rules(first) else "",
            notes=self._notes(first),
            arms=replies,
            judged_on=self._judged_on,
            rows=self._scorer.rows,
            score_s=time.perf_counter() - began_s,
            varied="weights and order" if self._may_redraw else "order",
        )

    def _score_feeds(self) -> Feeds:
        """The data that racers are scored on, as Keras feeds it."""
        if self._score_data is None:
            return self._feed(None)
        x, y, weights = unpacked(self._score_data)
        if kinds.input_kind(x) == "generator":
            raise ValueError("its validation data is a Python generator, which can't be gone through again")
        size = BATCH_ROWS if kinds.input_kind(x) == "arrays" else None
        given = {
            "x": x,
            "y": y,
            "sample_weight": weights,
            "batch_size": size,
            "steps_per_epoch": None,
            "class_weight": None,
        }
        return feeds_of(self._model, {**given, "shuffle": False}, self._cores)

    def add(self, arm: ArmSpec) -> RacerReady:
        """Builds one racer more, and times its steps.

        Raises:
            ValueError: It can't run here.
        """
        racer = self._racer([from_data(change) for change in arm.changes])
        racer.epoch_steps = arm.epoch_steps or 0
        step_s = self._measured_step_s(racer)
        self._racers[arm.id] = racer
        return RacerReady(step_s=step_s)

    def _choose_metric(self, names: list[str]) -> None:
        """Scores by the metric that the script's own stopping rule monitors, where the model computes it."""
        monitored = self._rules.monitored(names)
        if monitored is not None:
            self._scorer.metric, self._scorer.upwards = monitored

    def _notes(self, racer: Racer) -> list[str]:
        notes = [*self._rules.notes, *(READ_ONCE,) * self._reads_once]
        if self._rules and not self._has_rules(racer):
            notes.append("Races ran without the script's callbacks: how many steps an epoch has is not known.")
        elif self._rules.stopping and self._rules.monitored([self._scorer.metric]) is None:
            notes.append(
                "Races are scored by the loss: what the stopping rule monitors is not known or not computed there."
            )
        return notes

    def _has_rules(self, racer: Racer) -> bool:
        return bool(self._rules) and racer.epoch_steps > 0

    def _racer(self, changes: list[Change]) -> Racer:
        batch_size = live.apply_to_fit({}, changes).get("batch_size")
        racer = Racer(changes, iter(self._feed(batch_size).endless(changes)))
        if any(change.kind == "scale-input" for change in changes):
            x = self._bound["x"]
            racer.scales = scaling.wanted(dict(input_statistics.sampled(x, kinds.input_kind(x), draw=True)), changes)
        key = bool(racer.scales)
        with self._set_up(racer):
            if key not in self._functions:
                self._functions[key] = loops.made(self._model), self._scorer.function()
        racer.train, racer.test = self._functions[key]
        return racer

    @contextmanager
    def _set_up(self, racer: Racer) -> Iterator[None]:
        """Applies a racer's settings to the model for the length of a block."""
        undo = live.apply_to_model(self._model, racer.changes)
        try:
            remove_scaling = scaling.put_in_front(self._model, racer.scales)
            try:
                yield
            finally:
                remove_scaling()
        finally:
            undo()

    def _measured_step_s(self, racer: Racer) -> float:
        whole = self._epoch_left(racer, 0)
        with self._set_up(racer):
            last = 0 if whole is None else whole % self._steps_per_execution()
            if last:  # the last, shorter execution of an epoch is compiled here, and not within a lap
                self._run(racer, last, left=last)
            self._run(racer, 1, left=whole)
            began_s = time.perf_counter()
            steps = loops.go_for(
                SETTLE_S,
                1,
                lambda wanted: self._run(racer, wanted if whole is None else min(wanted, whole), left=whole)[1],
            )
            return (time.perf_counter() - began_s) / steps

    def start(self, arm: str, repetition: int) -> RunStarted:
        """Begins a run from the state at the start of fit.

        The weights differ from repetition to repetition, where the model is untrained and can be initialised again.
        """
        self._start.restore()
        self._reset_random(repetition)
        racer = self._racers[arm]
        self._progress = Progress(epoch=int(self._bound["initial_epoch"] or 0))
        if self._has_rules(racer):
            with self._set_up(racer):
                self._rules.begin(learning_rate(self._model.optimizer) or 0.0)
        return RunStarted(score=self._score(racer))

    def _reset_random(self, repetition: int) -> None:
        if self._may_redraw:
            if self._drawn_weights[0] != repetition:
                self._drawn_weights = repetition, initial_weights.draw(self._model, repetition + 1)
            for variable, value in zip(self._model.trainable_variables, self._drawn_weights[1] or [], strict=False):
                variable.assign(value)
        keras_internals.draw_on(self._model, 1 + repetition)

    def lap(self, arm: str, steps: int) -> LapDone:
        """Trains some steps more, and takes the score. A stopping rule of the script may end the run earlier.

        A lap may have more steps than asked for: an execution of several steps is never cut short.
        """
        racer = self._racers[arm]
        if self._has_rules(racer):
            return self._lap_by_epochs(racer, steps)
        with self._set_up(racer):
            began_s = time.perf_counter()
            taken = self._run(racer, steps)[1]
            seconds = time.perf_counter() - began_s
        return LapDone(seconds=seconds, steps=taken, score=self._score(racer))

    def _lap_by_epochs(self, racer: Racer, steps: int) -> LapDone:
        """A lap that calls the script's rules at the ends of epochs, with the scores of the race."""
        at, done, seconds, stopped = self._progress, 0, 0.0, False
        scores: dict[str, float] | None = None
        while done < steps and not stopped:
            if not at.begun:
                self._rules.epoch_begins(at.epoch)
                self._model.reset_metrics()
                at.begun = True
            count = min(steps - done, racer.epoch_steps - at.steps)
            with self._set_up(racer), self._at_learning_rate():
                began_s = time.perf_counter()
                logs, taken = self._run(racer, count, left=self._epoch_left(racer, at.steps))
                seconds += time.perf_counter() - began_s
            done, at.steps, scores = done + taken, at.steps + taken, None
            if at.steps >= racer.epoch_steps:
                scores = self._logs(racer)
                validated = self._judged_on == "validation data" and self._is_validated(at.epoch)
                validation = {f"val_{name}": value for name, value in scores.items()} if validated else {}
                stopped = self._rules.epoch_ends(at.epoch, {**plain(logs), **validation})
                self._progress = at = Progress(epoch=at.epoch + 1)
        score = self._scorer.scored(self._logs(racer) if scores is None else scores)
        return LapDone(seconds=seconds, steps=done, score=score, stopped=stopped)

    def _is_validated(self, epoch: int) -> bool:
        every = self._bound["validation_freq"]
        return (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every

    @contextmanager
    def _at_learning_rate(self) -> Iterator[None]:
        """Sets the learning rate of the rules for the length of a block, where the rate is a number."""
        optimizer = self._model.optimizer
        if learning_rate(optimizer) is None:
            yield
            return
        before = learning_rate(optimizer)
        optimizer.learning_rate = self._rules.rate
        try:
            yield
        finally:
            optimizer.learning_rate = before

    def _epoch_left(self, racer: Racer, steps: int) -> int | None:
        """Steps until the data of an epoch ends, which ends an execution too; None where there is no such end."""
        if not self._has_rules(racer) or self._bound["steps_per_epoch"]:
            return None
        return racer.epoch_steps - steps

    def _run(self, racer: Racer, steps: int, *, left: int | None = None) -> tuple[Any, int]:
        """Trains at least some steps more, in executions as fit makes them.

        Args:
            racer: Which racer.
            steps: How many.
            left: Steps until the data of the epoch ends. There fit's last execution is shorter.

        Returns:
            The last logs, and how many steps it took.
        """
        per_execution = self._steps_per_execution()
        logs: Any = {}
        taken = 0
        with self._synchronized(), loops.to_the_end(self._loop):
            while taken < steps:
                count = per_execution if left is None else min(per_execution, left - taken)
                logs = (
                    self._loop.step(racer.train, racer.iterator)
                    if count == per_execution
                    else self._execute_shorter(racer, count)
                )
                taken += count
        return logs, taken

    @contextmanager
    def _synchronized(self) -> Iterator[None]:
        """Writes the loop's state to the model after a block. Scores and rules read the model."""
        try:
            yield
        finally:
            self._loop.rest()

    def _execute_shorter(self, racer: Racer, steps: int) -> Any:
        """Makes one execution of fewer steps, as at the end of an epoch. It needs a compiled function of its own."""
        key, per_execution = (bool(racer.scales), steps), self._steps_per_execution()
        keras_internals.put_setting(self._model, "steps_per_execution", steps)
        try:
            if key not in self._shorter:
                self._shorter[key] = loops.made(self._model)
            return self._loop.step(self._shorter[key], racer.iterator)
        finally:
            keras_internals.put_setting(self._model, "steps_per_execution", per_execution)

    def _steps_per_execution(self) -> int:
        return int(keras_internals.setting(self._model, "steps_per_execution") or 1)

    def _score(self, racer: Racer) -> float | None:
        return self._scorer.scored(self._logs(racer))

    def _logs(self, racer: Racer) -> dict[str, float]:
        with self._set_up(racer):
            return self._scorer.logs(racer.test)


def _error_text(error: Exception) -> str:
    return (str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}")[:LONGEST_MESSAGE]
