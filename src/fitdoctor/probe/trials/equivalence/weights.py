"""Whether an arm's steps lead to the same weights as the script's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe.state.model_snapshot import Snapshot, compare
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trials.equivalence.training_state import TrainingState
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.recording.trial_protocol import Verified

STEPS = 4


class SameWeights:
    """Takes some steps on one batch, as an arm does and as the script does, from the same weights.

    Args:
        stepper: Steps the model.
        keep_random: Keeps the random generators of the process, since PyTorch's dropout draws from one of them.
    """

    def __init__(self, stepper: FitStepper, keep_random: Callable[[], RandomState] = RandomState) -> None:
        self._stepper, self._keep_random = stepper, keep_random
        self._random: RandomState
        # The weights after some steps of the script's own, by the number of steps; None where two runs differ.
        self._reference: dict[int, list[Any] | None] = {}

    def verify(self, changes: list[Change], state: TrainingState) -> Verified:
        """Compares the weights, or says why they can't be compared. The state of the training is restored."""
        snapshot = state.snapshot
        if snapshot is None:
            return Verified(why="the model is too large to be compared step by step")
        snapshot.restore()
        self._random = self._keep_random()
        start = snapshot.weights()
        steps, reached = self._after(changes, snapshot)
        if steps not in self._reference:
            (_, plain), (_, again) = (self._after([], snapshot, steps) for _ in range(2))
            self._reference[steps] = plain if compare(start, plain, again) == "same" else None
        state.restore(whole=False)
        reference = self._reference[steps]
        if reference is None:
            return Verified(why="two runs of the script's own steps differ, so weights can't be compared")
        return Verified(weights=compare(start, reference, reached))

    def _after(self, changes: list[Change], snapshot: Snapshot, steps: int = STEPS) -> tuple[int, list[Any]]:
        """Takes at least `steps` steps with the changes. Returns how many, and the weights that they led to."""
        runner, loop, first_call_s = Runner(changes), self._stepper.loop, self._stepper.first_call_s
        undo = self._stepper.enter(runner, new=True)
        try:
            calls = math.ceil(steps / runner.steps)
            snapshot.restore()
            self._random.restore()
            iterator = iter(self._stepper.feeds.fixed())
            for _ in range(calls):
                began_s = time.perf_counter()
                loop.step(runner.function, iterator)
                if runner.function not in first_call_s:
                    loop.wait()
                    first_call_s[runner.function] = time.perf_counter() - began_s
            loop.rest()
            return calls * runner.steps, snapshot.weights()
        finally:
            undo()
