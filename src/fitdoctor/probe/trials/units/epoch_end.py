"""Times the ends of epochs: what callbacks do there."""

from __future__ import annotations

from fitdoctor.changes.model import Change
from fitdoctor.probe.apply import live
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.base import changes_callback, timed
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow


class EpochEndTrial:
    """Windows of the unit `epoch_end`.

    Args:
        stepper: Runs the callbacks.
    """

    def __init__(self, stepper: FitStepper) -> None:
        self._stepper = stepper

    def carries_out(self, change: Change) -> bool:
        """Whether the end of an epoch shows the change."""
        return changes_callback(change)

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Checks that the callbacks can be changed. A window has one end for each that a throttled hook acts on."""
        live.apply_to_callbacks(self._stepper.callbacks.callbacks, runner.changes)()
        runner.units = live.longest_throttle_period(runner.changes, "on_epoch")
        return Prepared(one_off_s=0.0)

    def window(self, runner: Runner) -> TimedWindow:
        """Times the ends of some epochs."""
        stepper = self._stepper
        stepper.begin()
        logs = runner.logs = stepper.epoch_logs()
        undo = live.apply_to_callbacks(stepper.callbacks.callbacks, runner.changes, runner.calls)

        def end_epochs() -> None:
            for _ in range(runner.units):
                stepper.end_epoch(runner, logs)

        try:
            return timed(end_epochs, runner.units)
        finally:
            undo()
