"""Times windows of steps, from an endless input."""

from __future__ import annotations

import math

from fitdoctor.changes.model import Change
from fitdoctor.probe.apply import callbacks as callback_settings
from fitdoctor.probe.apply import live
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trainer import loops
from fitdoctor.probe.trials.runner import Runner
from fitdoctor.probe.trials.stepper import FitStepper
from fitdoctor.probe.trials.units.base import sets_fit_argument, timed
from fitdoctor.probe.trials.units.lead_in import lead_of
from fitdoctor.recording.trial_protocol import ArmSpec, Prepared, TimedWindow

# Windows of 15 ms had the same deviation as windows of 100 ms, so short ones show an effect sooner.
WINDOW_S = 0.015
LONGEST_WINDOW_S = 0.4
# A callback that acts every so many batches acts equally often in each window, where the window stays below this.
LONGEST_PERIOD_S = 1.0
WARM_UP_S = 0.06
# A window is so many times as long as what a pipeline holds ready. A shorter one measures the buffer, not the producer.
BUFFERS = 4


class StepTrial:
    """Windows of the unit `step`.

    Args:
        stepper: Steps the model.
    """

    def __init__(self, stepper: FitStepper) -> None:
        self._stepper = stepper

    def carries_out(self, change: Change) -> bool:
        """Whether steps show the change."""
        return not sets_fit_argument(change)

    def prepare(self, runner: Runner, arm: ArmSpec) -> Prepared:
        """Builds an arm's input and function, takes its first steps, and sets the length of its windows."""
        began_s = time.perf_counter()
        stepper, feeds = self._stepper, self._stepper.feeds
        stepper.begin()
        runner.dataset = (
            feeds.fixed() if arm.remedy == "input-free" else feeds.endless(runner.changes, anew=arm.is_placebo)
        )
        runner.iterator = iter(runner.dataset)
        undo = stepper.enter(runner, new=True, fresh=arm.is_placebo)
        throttled = live.longest_throttle_period(runner.changes, "on_train_batch") * runner.steps
        runner.period = max(callback_settings.period(stepper.callbacks.callbacks), throttled)
        try:
            built_s = time.perf_counter()
            stepper.go(runner, runner.steps)
            first_s = max(time.perf_counter() - built_s, stepper.first_call_s.get(runner.function, 0.0))
            one_off_s = built_s - began_s + first_s - feeds.take_slice_s()
            unit_s = self._warm_up(runner)
        finally:
            undo()
        self._set_window(runner, unit_s)
        cpu_contention.wait_until_quiet()
        return Prepared(one_off_s=one_off_s, unit_s=unit_s, note=feeds.take_note(), sentence=feeds.take_sentence())

    def _warm_up(self, runner: Runner) -> float:
        """Takes steps for a moment, and returns the seconds of one step in the later half."""
        self._stepper.go_for(runner, WARM_UP_S / 2)
        began_s = time.perf_counter()
        taken = self._stepper.go_for(runner, WARM_UP_S / 2)
        return (time.perf_counter() - began_s) / taken

    def _set_window(self, runner: Runner, unit_s: float) -> None:
        """Sets how many steps a window has, and how many untimed steps come before it."""
        held = self._stepper.feeds.read_ahead(runner.dataset, runner.changes)
        with loops.to_the_end(self._stepper.loop):
            lead = lead_of(runner.iterator, held=held, unit_s=unit_s)
        runner.lead = math.ceil(lead / runner.steps) * runner.steps
        wanted = max(WINDOW_S / unit_s, BUFFERS * (held + 1))
        wanted = min(wanted, max(1.0, LONGEST_WINDOW_S / unit_s))
        if runner.period * unit_s <= LONGEST_PERIOD_S:
            wanted = math.ceil(wanted / runner.period) * runner.period
        runner.units = max(1, round(wanted / runner.steps)) * runner.steps

    def window(self, runner: Runner) -> TimedWindow:
        """Times some steps, after untimed ones that use up what the pipeline holds ready."""
        stepper = self._stepper
        undo = stepper.enter(runner)
        try:
            if runner.lead:
                calls = dict(runner.calls)
                stepper.go(runner, runner.lead)
                # Untimed calls of throttled hooks do not count, or short windows would miss the calls that act.
                runner.calls.update(calls)
            found = timed(lambda: stepper.go(runner, runner.units), runner.units)
        finally:
            undo()
        cpu_contention.wait_until_quiet()
        return found
