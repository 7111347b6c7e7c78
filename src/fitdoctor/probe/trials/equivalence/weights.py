"""Whether an arm's steps make of the weights what the script's own make of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe.apply.live import Undo
from fitdoctor.probe.state.model_snapshot import Snapshot, compare
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trainer.loops import Loop
from fitdoctor.probe.trials.arm import Runner
from fitdoctor.probe.trials.equivalence.training_state import TrainingState
from fitdoctor.probe.trials.feeds.tfdata import Feeds

STEPS = 4


class SameWeights:
    """Takes some steps on one batch, as an arm does and as the script does, from the same weights.

    Args:
        feeds: The inputs of the arms.
        loop: Steps the model.
        enter: Puts an arm's settings in place.
        remember: Keeps the random generators of the process as they are: PyTorch's dropout draws from one of them.
    """

    def __init__(
        self, feeds: Feeds, loop: Loop, enter: Callable[..., Undo], remember: Callable[[], RandomState] = RandomState
    ) -> None:
        self._feeds, self._loop, self._enter, self._remember = feeds, loop, enter, remember
        self._random: RandomState
        self._reference: dict[int, list[Any] | None] = {}
        """By steps; None where two runs of the script's own differ."""
        self.first_s: dict[Any, float] = {}
        """What the first call of a function took where that was here: the arm that is stepped with it pays no more."""

    def verify(self, changes: list[Change], standing: TrainingState) -> dict[str, str]:
        """Says whether the weights are the same, or why that can't be told; the training is where it was afterwards."""
        snapshot = standing.snapshot
        if snapshot is None:
            return {"weights": "", "why": "the model is too large to be compared step by step"}
        snapshot.restore()
        self._random = self._remember()
        start = snapshot.weights()
        steps, reached = self._after(changes, snapshot)
        if steps not in self._reference:
            (_, plain), (_, again) = (self._after([], snapshot, steps) for _ in range(2))
            self._reference[steps] = plain if compare(start, plain, again) == "same" else None
        standing.restore(whole=False)
        reference = self._reference[steps]
        if reference is None:
            return {"weights": "", "why": "two runs of the script's own steps differ, so weights can't be compared"}
        return {"weights": compare(start, reference, reached), "why": ""}

    def _after(self, changes: list[Change], snapshot: Snapshot, steps: int = STEPS) -> tuple[int, list[Any]]:
        """How many steps were taken, at least so many, and the weights that they left."""
        runner = Runner(changes)
        undo = self._enter(runner, new=True)
        try:
            calls = math.ceil(steps / runner.steps)
            snapshot.restore()
            self._random.restore()
            iterator = iter(self._feeds.fixed())
            for _ in range(calls):
                began_s = time.perf_counter()
                self._loop.step(runner.function, iterator)
                if runner.function not in self.first_s:
                    self._loop.wait()
                    self.first_s[runner.function] = time.perf_counter() - began_s
            self._loop.rest()
            return calls * runner.steps, snapshot.weights()
        finally:
            undo()
