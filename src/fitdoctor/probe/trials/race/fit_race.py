"""Trains the model of a fit again and again, with and without changes, and says after each lap how good it has become."""

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
from fitdoctor.probe.trials.feeds import tfdata
from fitdoctor.probe.trials.feeds.tfdata import READ_ONCE, Feeds
from fitdoctor.probe.trials.race import initial_weights
from fitdoctor.probe.trials.race.callbacks import Rules
from fitdoctor.probe.trials.race.scorer import BATCH_ROWS, RaceScorer, plain, with_validation
from fitdoctor.recording.plain import LONGEST_MESSAGE

SETTLE_S = 0.3
"""Seconds of steps that tell beforehand what a step of a racer costs."""
MEMORY_SHARE = 0.25
"""Of the free memory, for the copies of the arrays that other batch sizes need."""


@dataclass(slots=True)
class Racer:
    """What one arm is trained with."""

    changes: list[Change]
    iterator: Any
    scales: list[scaling.Scale | None] = field(default_factory=list)
    train: Any = None
    test: Any = None
    epoch_steps: int = 0


@dataclass(slots=True)
class Progress:
    """How far a run has come. `steps` are those of the epoch that it is in."""

    epoch: int = 0
    steps: int = 0
    begun: bool = False


class FitRace:
    """The races at one fit. To be made before anything has trained the model there.

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
        self._drawn: tuple[int, list[Any] | None] = (-1, None)
        self._progress = Progress()
        self._unsafe_reason = ""
        try:
            self._rules = Rules(bound["callbacks"], model, int(bound["epochs"]))
            self._reads_once = kinds.input_kind(bound["x"]) == "generator"
            if self._reads_once and bound["validation_data"] is None:
                raise ValueError(
                    "its input is a Python generator, and there is no validation data that racers could be judged on"
                )
            self._bound, self._judged, self._judged_on = with_validation(bound)
            if self._bound is bound:
                self._feeds[None] = plain
            self._build()
            self._start = Snapshot(model)
            self._may_redraw = self._is_untrained()
        except Exception as error:
            self._unsafe_reason = _words(error)

    def _build(self) -> None:
        """Builds what fit itself would build with its first batch."""
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
        """The input for a batch size; arrays are copied once for each."""
        if batch_size not in self._feeds:
            if batch_size is not None:
                self._check_memory()
            bound = self._bound if batch_size is None else {**self._bound, "batch_size": batch_size}
            self._feeds[batch_size] = tfdata.of(self._model, bound, self._cores)
        return self._feeds[batch_size]

    def _check_memory(self) -> None:
        import numpy as np

        held = sum(
            int(getattr(part, "nbytes", 0) or np.size(part) * 8)
            for _, part in nests.named_leaves(self._bound["x"], "x")
        )
        if held > materialize.free_bytes() * MEMORY_SHARE:
            raise ValueError("another copy of its arrays, for another batch size, does not fit into memory")

    def prepare(self, arms: list[dict[str, Any]], seconds: float = math.inf) -> dict[str, Any]:
        """Makes the racers, the first in any case. The reply says for each what a step costs, or why it can't run.

        Args:
            arms: Whom to make.
            seconds: After which no further one is begun: making one can't be cut off.

        Raises:
            ValueError: There can be no race here, or nobody could be made.
        """
        if self._unsafe_reason:
            raise ValueError(self._unsafe_reason)
        # Keras draws from an input when it makes a dataset of it, which a generator never gives again.
        self._judge = RaceScorer(self._model, self._judged_feeds())
        replies: dict[str, Any] = {}
        until_s = time.perf_counter() + seconds
        for arm in arms:
            if replies and time.perf_counter() > until_s:
                replies[arm["id"]] = {"error": "the time for races was used up before it was ready"}
                continue
            try:
                replies[arm["id"]] = self.add(arm)
            except Exception as error:  # such as no memory for its batches: the others can race all the same
                replies[arm["id"]] = {"error": _words(error)}
        if not self._racers:
            raise ValueError(next(iter(replies.values()))["error"])
        first = next(iter(self._racers.values()))
        began_s = time.perf_counter()
        self._choose_metric(list(self._logs(first)))
        return {
            "metric": self._judge.metric,
            "upwards": self._judge.upwards,
            "rule": " and ".join(self._rules.stopping) if self._follows_rules(first) else "",
            "notes": self._notes(first),
            "arms": replies,
            "judged_on": self._judged_on,
            "rows": self._judge.rows,
            "score_s": time.perf_counter() - began_s,
            "varied": "weights and order" if self._may_redraw else "order",
        }

    def _judged_feeds(self) -> Feeds:
        """The data that racers are judged on, as Keras itself would feed it."""
        if self._judged is None:
            return self._feed(None)
        x, y, weights = unpacked(self._judged)
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
        return tfdata.of(self._model, {**given, "shuffle": False}, self._cores)

    def add(self, arm: dict[str, Any]) -> dict[str, Any]:
        """Makes one racer more, and says what a step of it costs.

        Raises:
            ValueError: It can't run here.
        """
        racer = self._racer([from_data(change) for change in arm["changes"]])
        racer.epoch_steps = int(arm.get("epoch_steps") or 0)
        step_s = self._settled_s(racer)
        self._racers[arm["id"]] = racer
        return {"step_s": step_s}

    def _choose_metric(self, names: list[str]) -> None:
        """Judges by what the script's own stopping rule looks at, where the compiled metrics hold it."""
        monitored = self._rules.monitored(names)
        if monitored is not None:
            self._judge.metric, self._judge.upwards = monitored

    def _notes(self, racer: Racer) -> list[str]:
        notes = [*self._rules.notes, *(READ_ONCE,) * self._reads_once]
        if self._rules and not self._follows_rules(racer):
            notes.append("Races ran without the script's callbacks: how many steps an epoch has is not known.")
        elif self._rules.stopping and self._rules.monitored([self._judge.metric]) is None:
            notes.append(
                "Races are judged by the loss: what the stopping rule looks at could not be told, or not be computed there."
            )
        return notes

    def _follows_rules(self, racer: Racer) -> bool:
        return bool(self._rules) and racer.epoch_steps > 0

    def _racer(self, changes: list[Change]) -> Racer:
        batch_size = live.to_fit({}, changes).get("batch_size")
        racer = Racer(changes, iter(self._feed(batch_size).endless(changes)))
        if any(change.kind == "scale-input" for change in changes):
            x = self._bound["x"]
            racer.scales = scaling.wanted(dict(input_statistics.sampled(x, kinds.input_kind(x), draw=True)), changes)
        key = bool(racer.scales)
        with self._as(racer):
            if key not in self._functions:
                self._functions[key] = loops.made(self._model), self._judge.function()
        racer.train, racer.test = self._functions[key]
        return racer

    @contextmanager
    def _as(self, racer: Racer) -> Iterator[None]:
        """The model with a racer's settings, and afterwards with the script's own."""
        undo = live.to_model(self._model, racer.changes)
        try:
            take_away = scaling.put_in_front(self._model, racer.scales)
            try:
                yield
            finally:
                take_away()
        finally:
            undo()

    def _settled_s(self, racer: Racer) -> float:
        whole = self._epoch_left(racer, 0)
        with self._as(racer):
            rest = 0 if whole is None else whole % self._at_once()
            if rest:  # the last execution of an epoch is compiled here, and not within a lap
                self._run(racer, rest, left=rest)
            self._run(racer, 1, left=whole)
            began_s = time.perf_counter()
            steps = loops.go_for(
                SETTLE_S,
                1,
                lambda wanted: self._run(racer, wanted if whole is None else min(wanted, whole), left=whole)[1],
            )
            return (time.perf_counter() - began_s) / steps

    def start(self, arm: str, repetition: int) -> dict[str, Any]:
        """Begins a run:

        the state at the start of fit, with other weights in each repetition where they may be drawn anew.
        """
        self._start.restore()
        self._begin(repetition)
        racer = self._racers[arm]
        self._progress = Progress(epoch=int(self._bound["initial_epoch"] or 0))
        if self._follows_rules(racer):
            with self._as(racer):
                self._rules.begin(learning_rate(self._model.optimizer) or 0.0)
        return {"score": self._score(racer)}

    def _begin(self, repetition: int) -> None:
        if self._may_redraw:
            if self._drawn[0] != repetition:
                self._drawn = repetition, initial_weights.draw(self._model, repetition + 1)
            for variable, value in zip(self._model.trainable_variables, self._drawn[1] or [], strict=False):
                variable.assign(value)
        keras_internals.draw_on(self._model, 1 + repetition)

    def lap(self, arm: str, steps: int) -> dict[str, Any]:
        """Trains on for some steps, and takes the score. A stopping rule of the script's may end the run before.

        The reply says how many steps were taken: an execution of several is never cut short for the end of a lap.
        """
        racer = self._racers[arm]
        if self._follows_rules(racer):
            return self._lap_by_epochs(racer, steps)
        with self._as(racer):
            began_s = time.perf_counter()
            taken = self._run(racer, steps)[1]
            seconds = time.perf_counter() - began_s
        return {"seconds": seconds, "steps": taken, "score": self._score(racer)}

    def _lap_by_epochs(self, racer: Racer, steps: int) -> dict[str, Any]:
        """The same, with the script's rules called at the ends of its epochs, on the scores of the race."""
        at, done, seconds, stopped = self._progress, 0, 0.0, False
        scores: dict[str, float] | None = None
        while done < steps and not stopped:
            if not at.begun:
                self._rules.epoch_begins(at.epoch)
                self._model.reset_metrics()
                at.begun = True
            count = min(steps - done, racer.epoch_steps - at.steps)
            with self._as(racer), self._at_rate():
                began_s = time.perf_counter()
                logs, taken = self._run(racer, count, left=self._epoch_left(racer, at.steps))
                seconds += time.perf_counter() - began_s
            done, at.steps, scores = done + taken, at.steps + taken, None
            if at.steps >= racer.epoch_steps:
                scores = self._logs(racer)
                validated = self._judged_on == "validation data" and self._is_validated(at.epoch)
                told = {f"val_{name}": value for name, value in scores.items()} if validated else {}
                stopped = self._rules.epoch_ends(at.epoch, {**plain(logs), **told})
                self._progress = at = Progress(epoch=at.epoch + 1)
        score = self._judge.scored(self._logs(racer) if scores is None else scores)
        return {"seconds": seconds, "steps": done, "score": score, "stopped": stopped}

    def _is_validated(self, epoch: int) -> bool:
        every = self._bound["validation_freq"]
        return (epoch + 1) % every == 0 if isinstance(every, int) else epoch + 1 in every

    @contextmanager
    def _at_rate(self) -> Iterator[None]:
        """The optimizer at the learning rate that the rules have come to, where it is a number."""
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
        """Steps after which the data of an epoch ends, where it does and it is known when:

        that ends an execution too.
        """
        if not self._follows_rules(racer) or self._bound["steps_per_epoch"]:
            return None
        return racer.epoch_steps - steps

    def _run(self, racer: Racer, steps: int, *, left: int | None = None) -> tuple[Any, int]:
        """Trains on for at least some steps, in executions as fit makes them. Returns the last logs and how many steps
        it took.

        Args:
            racer: Who trains.
            steps: How many.
            left: Steps until the epoch's data ends, at which fit's last execution is a shorter one.
        """
        at_once = self._at_once()
        logs: Any = {}
        taken = 0
        with self._resting(), loops.to_the_end(self._loop):
            while taken < steps:
                count = at_once if left is None else min(at_once, left - taken)
                logs = self._loop.step(racer.train, racer.iterator) if count == at_once else self._execute(racer, count)
                taken += count
        return logs, taken

    @contextmanager
    def _resting(self) -> Iterator[None]:
        """Lets the loop rest afterwards: scores are taken of the model itself, and rules look at it."""
        try:
            yield
        finally:
            self._loop.rest()

    def _execute(self, racer: Racer, steps: int) -> Any:
        """One execution of so many steps, with a function of its own:

        the input of a race goes on where that of an epoch ends.
        """
        key, at_once = (bool(racer.scales), steps), self._at_once()
        keras_internals.put_setting(self._model, "steps_per_execution", steps)
        try:
            if key not in self._shorter:
                self._shorter[key] = loops.made(self._model)
            return self._loop.step(self._shorter[key], racer.iterator)
        finally:
            keras_internals.put_setting(self._model, "steps_per_execution", at_once)

    def _at_once(self) -> int:
        return int(keras_internals.setting(self._model, "steps_per_execution") or 1)

    def _score(self, racer: Racer) -> float | None:
        return self._judge.scored(self._logs(racer))

    def _logs(self, racer: Racer) -> dict[str, float]:
        with self._as(racer):
            return self._judge.logs(racer.test)


def _words(error: Exception) -> str:
    return (str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}")[:LONGEST_MESSAGE]
