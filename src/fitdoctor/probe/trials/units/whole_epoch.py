"""Times an epoch with all that a prescription treats in it: its steps, its end, its validation pass."""

from __future__ import annotations

from fitdoctor.changes.model import Change
from fitdoctor.probe.apply.live import longest_throttle_period
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.epoch import end_input
from fitdoctor.probe.trials.units.validation import ValidationTrial
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow

# Steps that stand for those of a longer epoch. Four stretches of each arm and the start of their pipelines fit into
# fifteen seconds.
STRETCH_S = 1.2
# Untimed steps before such a stretch, while the pipeline fills.
FILL_S = 0.3


class WholeEpochTrial:
    """Windows of the unit `whole`, each from a fresh iterator that is dropped afterwards.

    A short epoch is run as a whole, its start included. Of a longer one, a stretch of steps stands for all of them.

    Args:
        stepper: Steps the model.
        validation: Makes validation passes.
    """

    def __init__(self, stepper: FitStepper, validation: ValidationTrial) -> None:
        self._stepper, self._validation = stepper, validation

    def carries_out(self, change: Change) -> bool:
        """Whether the whole shows the change: it shows every change."""
        return True

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Builds an arm's input and takes its first steps.

        Raises:
            ValueError: The number of steps of an epoch is not known.
        """
        stepper, feeds = self._stepper, self._stepper.feeds
        stepper.begin()
        if "validation" in arm.parts:
            self._validation.prepare(runner, arm)
        runner.parts, runner.epoch_steps = list(arm.parts), arm.epoch_steps or 0
        if not runner.epoch_steps:
            raise ValueError("how many steps an epoch has is not known")
        stepper.enter(runner, new=True)()
        runner.dataset = feeds.finite(runner.changes) if "start" in runner.parts else feeds.continuous(runner.changes)
        runner.units = longest_throttle_period(runner.changes, "on_epoch")
        undo = stepper.enter(runner)
        try:
            runner.iterator = iter(runner.dataset)
            stepper.go(runner, runner.steps)
        finally:
            undo()
            runner.iterator = None
        return Prepared(one_off_s=0.0)

    def window(self, runner: Runner) -> TimedWindow:
        """Times one epoch, in the parts that the arm names."""
        undo = self._stepper.enter(runner)
        waited_s = cpu_contention.queue_s()
        try:
            seconds = self._steps_s(runner)
            if "epoch_end" in runner.parts:
                began_s = time.perf_counter()
                for _ in range(runner.units):
                    self._stepper.end_epoch(runner)
                seconds += (time.perf_counter() - began_s) / runner.units
            if "validation" in runner.parts:
                began_s = time.perf_counter()
                self._validation.run(runner)
                seconds += time.perf_counter() - began_s
            return TimedWindow(**cpu_contention.window(seconds, 1, waited_s=waited_s))
        finally:
            undo()
            runner.iterator = None
            cpu_contention.wait_until_quiet()

    def _steps_s(self, runner: Runner) -> float:
        """Seconds of the steps of one epoch."""
        stepper, began_s = self._stepper, time.perf_counter()
        runner.iterator = iter(runner.dataset)
        if "start" in runner.parts:
            stepper.go(runner, runner.epoch_steps)
            end_input(runner)
            return time.perf_counter() - began_s
        stepper.go_for(runner, FILL_S)
        began_s = time.perf_counter()
        taken = stepper.go_for(runner, STRETCH_S)
        return (time.perf_counter() - began_s) / taken * runner.epoch_steps
