"""Times an epoch of a fit with all that a prescription treats in it:

its steps without a pause, its end, its validation pass.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.probe.apply.live import Undo, rarest
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trainer.loops import go_for
from fitdoctor.probe.trials.arm import Runner
from fitdoctor.probe.trials.feeds.tfdata import Feeds
from fitdoctor.probe.trials.units.epoch import to_its_end

STRETCH_S = 1.2
"""Of steps, where a whole epoch takes longer:

four of each arm and the start of their pipelines fit into fifteen seconds.
"""
FILL_S = 0.3
"""Untimed steps before such a stretch, while the pipeline fills."""


class Wholes:
    """Windows of the unit `whole`, each from a fresh iterator that is gone afterwards.

    An epoch that is short is run as a whole, its start included. Of a longer one, a stretch of steps stands for all of
    them.

    Args:
        feeds: The inputs of the arms.
        enter: Puts an arm's settings in place.
        go: Steps an arm.
        end: Runs the end of one epoch through the fit's own callbacks.
        validate: Runs one validation pass.
    """

    def __init__(
        self,
        feeds: Feeds,
        enter: Callable[..., Undo],
        go: Callable[[Runner, int], int],
        end: Callable[[Runner], None],
        validate: Callable[[Runner], Any],
    ) -> None:
        self._feeds, self._enter, self._go, self._end, self._validate = feeds, enter, go, end, validate

    def prepare(self, runner: Runner, arm: dict[str, Any]) -> dict[str, Any]:
        """Makes an arm's input and takes its first steps.

        Raises:
            ValueError: How many steps an epoch has is not known.
        """
        runner.parts, runner.epoch_steps = list(arm["parts"]), arm.get("epoch_steps") or 0
        if not runner.epoch_steps:
            raise ValueError("how many steps an epoch has is not known")
        self._enter(runner, new=True)()
        runner.dataset = (
            self._feeds.finite(runner.changes) if "start" in runner.parts else self._feeds.continuous(runner.changes)
        )
        runner.units = rarest(runner.changes, "on_epoch")
        undo = self._enter(runner)
        try:
            runner.iterator = iter(runner.dataset)
            self._go(runner, runner.steps)
        finally:
            undo()
            runner.iterator = None
        return {"one_off_s": 0.0, "unit_s": 0.0}

    def window(self, runner: Runner) -> dict[str, Any]:
        """The seconds of one epoch, in the parts that are asked for."""
        undo = self._enter(runner)
        waited_s = cpu_contention.queue_s()
        try:
            seconds = self._steps_s(runner)
            if "epoch_end" in runner.parts:
                began_s = time.perf_counter()
                for _ in range(runner.units):
                    self._end(runner)
                seconds += (time.perf_counter() - began_s) / runner.units
            if "validation" in runner.parts:
                began_s = time.perf_counter()
                self._validate(runner)
                seconds += time.perf_counter() - began_s
            return cpu_contention.window(seconds, 1, waited_s=waited_s)
        finally:
            undo()
            runner.iterator = None
            cpu_contention.wait_until_quiet()

    def _steps_s(self, runner: Runner) -> float:
        began_s = time.perf_counter()
        runner.iterator = iter(runner.dataset)
        if "start" in runner.parts:
            self._go(runner, runner.epoch_steps)
            to_its_end(runner)
            return time.perf_counter() - began_s
        go_for(FILL_S, runner.steps, lambda units: self._go(runner, units))
        began_s = time.perf_counter()
        taken = go_for(STRETCH_S, runner.steps, lambda units: self._go(runner, units))
        return (time.perf_counter() - began_s) / taken * runner.epoch_steps
