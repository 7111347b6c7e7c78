"""Times continuous stretches of steps, from a pipeline that tf.data tunes as it does in a training."""

from __future__ import annotations

from fitdoctor.changes.model import Change
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.base import sets_fit_argument, window_since
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow

# Long against windows, so that a stretch holds what only a running pipeline costs: tuning, waking threads, refills.
STRETCH_S = 1.0
# Untimed steps before a stretch, while the pipeline fills.
FILL_S = 0.3


class StretchTrial:
    """Windows of the unit `stretch`, each from a fresh iterator that is dropped afterwards.

    Args:
        stepper: Steps the model.
    """

    def __init__(self, stepper: FitStepper) -> None:
        self._stepper = stepper

    def carries_out(self, change: Change) -> bool:
        """Whether steps show the change."""
        return not sets_fit_argument(change)

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Builds an arm's input and function."""
        self._stepper.enter(runner, new=True, fresh=arm.is_placebo)()
        runner.dataset = self._stepper.feeds.continuous(runner.changes, anew=arm.is_placebo)
        return Prepared(one_off_s=0.0)

    def window(self, runner: Runner) -> TimedWindow:
        """Times one stretch."""
        runner.iterator = iter(runner.dataset)
        undo = self._stepper.enter(runner)
        try:
            self._stepper.go_for(runner, FILL_S)
            waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
            taken = self._stepper.go_for(runner, STRETCH_S)
            return window_since(began_s, taken, waited_s=waited_s)
        finally:
            undo()
            runner.iterator = None
            cpu_contention.wait_until_quiet()
