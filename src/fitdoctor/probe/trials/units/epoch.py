"""Times whole epochs, their start included, since what is saved at the start may come back in the steps."""

from __future__ import annotations

from fitdoctor.changes.model import Change, InsertCall
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.base import changes_loader, sets_fit_argument, window_since
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow

# A trial repeats an epoch some dozens of times.
LONGEST_EPOCH_S = 6.0
# After so long, the length of an epoch is estimated from the steps done.
ESTIMATED_AFTER_S = 1.0


class EpochTrial:
    """Windows of the unit `epoch`: an epoch from a fresh iterator.

    Where a change makes the input go on from epoch to epoch, the second epoch is timed.

    Args:
        stepper: Steps the model.
    """

    def __init__(self, stepper: FitStepper) -> None:
        bound = stepper.bound
        self._stepper = stepper
        self._steps = kinds.steps_of(bound["x"], bound["batch_size"], bound["steps_per_epoch"])

    def carries_out(self, change: Change) -> bool:
        """Whether an epoch shows the change."""
        return sets_fit_argument(change) or changes_loader(change) or change.place.position >= 0

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Builds an arm's input, and runs one epoch, where that is short enough.

        Raises:
            ValueError: An epoch is too long to be repeated, or its length is not known.
        """
        stepper, feeds = self._stepper, self._stepper.feeds
        stepper.begin()
        self._steps = self._steps or arm.epoch_steps
        if not self._steps:
            raise ValueError("how many steps an epoch has is not known")
        stepper.enter(runner, new=True, fresh=arm.is_placebo)()
        runner.dataset = feeds.finite(runner.changes, anew=arm.is_placebo)
        feeds.take_slice_s()
        window = self.window(runner, longest_s=LONGEST_EPOCH_S)
        return Prepared(one_off_s=0.0, unit_s=window.seconds, sentence=feeds.take_sentence())

    def window(self, runner: Runner, *, longest_s: float | None = None) -> TimedWindow:
        """Times one epoch.

        Args:
            runner: Of the arm.
            longest_s: Where given, an epoch that takes longer is given up early.

        Raises:
            ValueError: The epoch takes longer than `longest_s`.
        """
        assert self._steps is not None
        goes_on = any(isinstance(change, InsertCall) and change.call == "repeat" for change in runner.changes)
        undo = self._stepper.enter(runner)
        try:
            if goes_on:
                # The second epoch follows at once: while the input is idle, it would make the second epoch ready.
                runner.iterator = iter(runner.dataset)
                self._stepper.go(runner, self._steps)
            waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
            if not goes_on:
                runner.iterator = iter(runner.dataset)
            if longest_s is None:
                self._stepper.go(runner, self._steps)
            else:
                self._go_at_most(runner, began_s, longest_s)
            end_input(runner)
            return window_since(began_s, 1, waited_s=waited_s)
        finally:
            undo()
            runner.iterator = None
            cpu_contention.wait_until_quiet()

    def _go_at_most(self, runner: Runner, began_s: float, longest_s: float) -> None:
        """Runs an epoch step by step, and gives up once it is expected to take too long."""
        assert self._steps is not None
        first_s = 0.0
        for done in range(0, self._steps, runner.steps):
            self._stepper.go(runner, runner.steps)
            spent_s = time.perf_counter() - began_s
            first_s = first_s or spent_s  # the first step fills the buffers, which the others don't pay
            if spent_s > ESTIMATED_AFTER_S:
                each_s = (spent_s - first_s) / max(1, done)
                if first_s + each_s * (self._steps - runner.steps) > longest_s:
                    raise ValueError(
                        "an epoch is too long to be repeated in a trial, and a part of one would not show where the "
                        "time goes"
                    )


def end_input(runner: Runner) -> None:
    """Begins the input anew, as Keras does after the last step of an epoch, where that takes time."""
    if getattr(runner.dataset, "spares", False):
        next(runner.iterator, None)
