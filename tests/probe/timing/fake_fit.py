"""A fit that only passes the time of a fake clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import fsum

import pytest

from fitdoctor.probe.timing import fit_timer, step_sampling
from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import StepSkip
from fitdoctor.recording.model import Fit, Site
from tests.support.clocks import FakeClock

# Ticks of a wait that is timed in every step.
LONG = 300
KINDS = (
    "setup", "first_step", "epoch_first_step", "step", "validation_first_step", "validation_step",
    "validation_overhead", "still_computing", "epoch_boundary", "teardown",
)  # fmt: skip


class FakeFit:
    """Calls a timer as the probe does while Keras runs a fit. Each of its methods takes the time that it is given.

    Times are ticks of 1/1024 s, which add up without rounding.

    Args:
        computing: Ticks of a step on the device. Calls return at once, steps are computed one after the other, and the
            end of an epoch or of a validation pass waits for them.
        skips: Whether steps may be skipped.
    """

    def __init__(self, computing: int | None = None, *, skips: bool = False) -> None:
        self.computing = computing
        self.queue: list[tuple[int, float]] = []
        self.clock = FakeClock(100.0)
        self.record = Fit(site=Site(file="train.py", line=1), input_kind="arrays")
        self.timer = FitTimer(self.record, clock=self.clock, step_skip=StepSkip() if skips else None)
        self.skip = self.timer.sampler.step_skip
        self.timer.sampler.callback_list = self
        self.step_hooks_s = self.shut_down_s = 0.0
        if computing is not None:
            self.timer.device.overlap = Overlap()

    def pass_(self, ticks: int) -> None:
        self.clock.pass_(ticks / 1024)
        while self.queue and self.queue[0][1] <= self.clock():
            self.timer.device.overlap.done(*self.queue.pop(0))

    def flush(self) -> None:
        """Waits until all that was sent is computed."""
        if self.queue:
            self.pass_(max(0, int((self.queue[-1][1] - self.clock()) * 1024)))

    def send(self) -> None:
        if self.computing is not None:
            before_s = self.queue[-1][1] if self.queue else 0.0
            self.queue.append((self.timer.epoch_steps, max(before_s, self.clock()) + self.computing / 1024))

    def hook(self, ticks: int, *, in_step: bool = False) -> None:
        """A callback's own hook."""
        self.pass_(ticks)
        self.timer.hooks_s += ticks / 1024
        self.step_hooks_s += ticks / 1024 if in_step else 0

    def epoch_begins(self, hook: int) -> None:
        self.timer.epoch_begins()
        self.hook(hook)

    def step(self, wait: int, begin_hook: int, function: int, logs: int, end_hook: int, drawn: int = 0) -> None:
        if self.skip.callback_list is self:
            self.skipped_step(wait, begin_hook, function, logs, end_hook, drawn)
            return
        self.pass_(wait)
        self.timer.step_begins()
        self.hook(begin_hook, in_step=True)
        self.timer.step_dispatched()
        self.pass_(drawn)
        if self.computing is not None or drawn:
            self.timer.batch_waited(drawn / 1024)
        self.send()
        self.pass_(function)
        self.timer.step_returned()
        self.pass_(logs)
        self.hook(end_hook, in_step=True)
        self.timer.step_ends()

    def skipped_step(self, wait: int, begin_hook: int, function: int, logs: int, end_hook: int, drawn: int) -> None:
        self.pass_(wait)
        self.hook(begin_hook, in_step=True)
        self.pass_(drawn)
        skip = self.skip
        if skip.untimed_batches:
            skip.untimed_batches -= 1
        elif drawn < LONG:
            skip.waited_s += drawn / 1024
        else:
            self.timer.batch_waited(drawn / 1024)
        self.pass_(function + logs)
        self.hook(end_hook, in_step=True)
        skip.ended_s = self.clock()
        skip.steps_left -= 1
        if not skip.steps_left:
            self.timer.skip_finished()

    def validation(self, steps: list[tuple[int, int, int]], before: int, hook: int) -> None:
        self.uncut()
        self.timer.validation_begins()
        self.pass_(before)
        self.hook(hook)
        for wait, begin_hook, work in steps:
            self.pass_(wait)
            self.timer.validation_step_begins()
            self.hook(begin_hook, in_step=True)
            self.pass_(work)
            self.timer.validation_step_ends()
        self.flush()
        self.hook(hook)
        self.timer.validation_ends()

    def cut(self, shut_down: int) -> None:
        self.timer.cut()
        self.pass_(shut_down)
        self.shut_down_s += shut_down / 1024

    def uncut(self) -> None:
        self.timer.steps_end()

    def epoch_ends(self, hook: int, after: int) -> None:
        self.timer.steps_end()
        self.pass_(after)
        self.flush()
        self.hook(hook)
        self.timer.epoch_ends()
        self.timer.epoch_end_returned()

    def accounted_s(self) -> float:
        """Returns the record's time, that of the hooks outside steps, and that of shutdowns after a cut."""
        kinds = fsum(getattr(self.record, kind).total_s for kind in KINDS)
        return kinds + self.timer.hooks_s - self.step_hooks_s + self.shut_down_s

    def wall_s(self) -> float:
        return self.clock() - self.timer.began_s


@contextmanager
def often_skipping(long_s: float = 10.0) -> Iterator[None]:
    """Samples two steps and skips one to three, in turn."""
    short = {"SAMPLED_AT_FIRST": 1, "SAMPLED_STEPS": 2, "SKIPPED_STEPS": (2, 1, 3), "SKIP_FACTOR": 1, "LONG_S": long_s}
    with pytest.MonkeyPatch.context() as patched:
        for name, value in short.items():
            patched.setattr(step_sampling, name, value)
            if hasattr(fit_timer, name):
                patched.setattr(fit_timer, name, value)
        yield
