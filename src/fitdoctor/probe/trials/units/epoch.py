"""Times whole epochs, their start included: what is saved at the start must not come back in the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import InsertCall
from fitdoctor.probe.apply.live import Undo
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.arm import Runner
from fitdoctor.probe.trials.feeds.tfdata import Feeds

LONGEST_EPOCH_S = 6.0
"""A trial repeats an epoch some dozens of times."""
TOLD_AFTER_S = 1.0
"""How long an epoch goes on before its length is estimated from the steps done."""


class Epochs:
    """Windows of the unit `epoch`: from a fresh iterator on, or the second epoch of one that goes on where the change
    says so.

    Args:
        feeds: The inputs of the arms.
        steps: Steps of an epoch, or None while they are not known.
        enter: Puts an arm's settings in place.
        go: Steps an arm.
    """

    def __init__(
        self, feeds: Feeds, steps: int | None, enter: Callable[..., Undo], go: Callable[[Runner, int], int]
    ) -> None:
        self._feeds, self._steps, self._enter, self._go = feeds, steps, enter, go

    def prepare(self, runner: Runner, counted: int | None = None, *, fresh: bool = False) -> dict[str, Any]:
        """Makes an arm's input, and runs one epoch, where that is short enough.

        Args:
            runner: Of the arm.
            counted: Steps of an epoch as an earlier run counted them, for an input that does not say.
            fresh: Whether the arm gets a compiled function and data of its own.

        Raises:
            ValueError: An epoch is too long to be repeated, or of a length that is not known.
        """
        self._steps = self._steps or counted
        if not self._steps:
            raise ValueError("how many steps an epoch has is not known")
        self._enter(runner, new=True, fresh=fresh)()
        runner.dataset = self._feeds.finite(runner.changes, anew=fresh)
        self._feeds.take_aside_s()
        timed = self.window(runner, longest_s=LONGEST_EPOCH_S)
        return {"one_off_s": 0.0, "unit_s": timed["seconds"], "sentence": self._feeds.take_sentence()}

    def window(self, runner: Runner, *, longest_s: float | None = None) -> dict[str, Any]:
        """Times one epoch."""
        assert self._steps is not None
        goes_on = any(isinstance(change, InsertCall) and change.call == "repeat" for change in runner.changes)
        undo = self._enter(runner)
        try:
            if goes_on:
                # Its second epoch is timed, straight after the first: one that stood idle in between would have made it
                # by then.
                runner.iterator = iter(runner.dataset)
                self._go(runner, self._steps)
            waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
            if not goes_on:
                runner.iterator = iter(runner.dataset)
            if longest_s is None:
                self._go(runner, self._steps)
            else:
                self._go_carefully(runner, began_s, longest_s)
            to_its_end(runner)
            return cpu_contention.window(time.perf_counter() - began_s, 1, waited_s=waited_s)
        finally:
            undo()
            runner.iterator = None
            cpu_contention.wait_until_quiet()

    def _go_carefully(self, runner: Runner, began_s: float, longest_s: float) -> None:
        """The same, given up where it is seen that an epoch takes too long."""
        assert self._steps is not None
        starting_s = 0.0
        for done in range(0, self._steps, runner.steps):
            self._go(runner, runner.steps)
            spent_s = time.perf_counter() - began_s
            starting_s = starting_s or spent_s  # with the filling of buffers, which other steps don't pay
            if spent_s > TOLD_AFTER_S:
                each_s = (spent_s - starting_s) / max(1, done)
                _check(starting_s + each_s * (self._steps - runner.steps), longest_s)


def to_its_end(runner: Runner) -> None:
    """Does what Keras does behind the last step of an epoch, where that takes time: it begins its input anew."""
    if getattr(runner.dataset, "spares", False):
        next(runner.iterator, None)


def _check(expected_s: float, longest_s: float) -> None:
    if expected_s > longest_s:
        raise ValueError(
            "an epoch is too long to be repeated in a trial, and a part of one would not show where the time goes"
        )
