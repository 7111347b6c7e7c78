"""Weights are compared where the script's own steps come to the same twice, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np

from fitdoctor.probe.trials.arm import Runner
from fitdoctor.probe.trials.equivalence.weights import STEPS, SameWeights

LARGER_STEPS: Any = "a change that makes another training"


class Training:
    """One weight, which grows by one in each step, by two under the change, and by something else each time where
    `drifts`.
    """

    def __init__(self, *, drifts: bool = False) -> None:
        self.weight, self.drifts, self.took, self.restored_calls = 0.0, drifts, 0, 0
        self.snapshot = self
        self.rested, self.drawn = 0, 0

    def weights(self) -> list[Any]:
        return [np.array([self.weight])]

    def restore(self, *, whole: bool | None = None) -> None:
        """Stands for a snapshot, which restores weights, and for a state, which restores all or what a step changes."""
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
    generators: Any = SimpleNamespace(restore=lambda: setattr(training, "drawn", 0))
    return SameWeights(feeds, training, training.enter, lambda: generators)


def test_what_changes_nothing_is_the_same_and_what_does_is_not() -> None:
    training: Any = Training()
    weights = same_weights(training)
    assert weights.verify([], training) == {"weights": "same", "why": ""}
    taken = training.took
    assert weights.verify([LARGER_STEPS], training) == {"weights": "different", "why": ""}
    assert training.took == taken + STEPS  # the script's own steps are not taken once more
    assert training.restored_calls == 2
    assert training.drawn == STEPS  # each run of steps draws the same random numbers
    assert training.rested == taken // STEPS + 1


def test_where_two_runs_of_the_scripts_own_steps_differ_no_arm_is_compared() -> None:
    training: Any = Training(drifts=True)
    weights = same_weights(training)
    for changes in ([], [LARGER_STEPS], []):
        found = weights.verify(changes, training)
        assert found["weights"] == ""
        assert "two runs of the script's own steps differ" in found["why"]
