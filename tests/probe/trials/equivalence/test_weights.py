"""Weights are compared only where two runs of the script's own steps agree."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from fitdoctor.probe.trials.equivalence.weights import STEPS, SameWeights
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.recording.trial_protocol import Verified

LARGER_STEPS: Any = "a change that makes another training"


class Training:
    """A model with one weight. A step adds one to it, or two with the change; where it `drifts`, more each time."""

    def __init__(self, *, drifts: bool = False) -> None:
        self.weight, self.drifts, self.took, self.restored_calls = 0.0, drifts, 0, 0
        self.snapshot = self
        self.rested, self.drawn = 0, 0

    def weights(self) -> list[Any]:
        return [np.array([self.weight])]

    def restore(self, *, whole: bool | None = None) -> None:
        """Stands for a snapshot, which restores the weights, and for a `TrainingState`, which has `whole`."""
        if whole is None:
            self.weight = 0.0
        else:
            self.restored_calls += not whole

    def step(self, function: Any, iterator: Any) -> Any:
        self.drawn += 1
        return function(iterator)

    def wait(self) -> None:
        pass

    def rest(self) -> None:
        self.rested += 1

    def enter(self, runner: Runner, *, new: bool) -> Any:
        by = 2.0 if runner.changes else 1.0

        def step(_: Iterator[Any]) -> None:
            self.took += 1
            self.weight += by + self.took * self.drifts

        assert new
        runner.function = step
        return lambda: None


def same_weights(training: Any) -> SameWeights:
    feeds: Any = SimpleNamespace(fixed=lambda: [0])
    stepper: Any = SimpleNamespace(feeds=feeds, loop=training, enter=training.enter, first_call_s={})
    generators: Any = SimpleNamespace(restore=lambda: setattr(training, "drawn", 0))
    return SameWeights(stepper, lambda: generators)


def test_weights_are_the_same_without_a_change_and_differ_with_one() -> None:
    training: Any = Training()
    weights = same_weights(training)
    assert weights.verify([], training) == Verified(weights="same")
    taken = training.took
    assert weights.verify([LARGER_STEPS], training) == Verified(weights="different")
    assert training.took == taken + STEPS  # the script's own steps are not taken once more
    assert training.restored_calls == 2
    assert training.drawn == STEPS  # each run of steps draws the same random numbers
    assert training.rested == taken // STEPS + 1


def test_weights_are_not_compared_where_two_runs_of_the_script_differ() -> None:
    training: Any = Training(drifts=True)
    weights = same_weights(training)
    for changes in ([], [LARGER_STEPS], []):
        found = weights.verify(changes, training)
        assert found.weights == ""
        assert "two runs of the script's own steps differ" in found.why
