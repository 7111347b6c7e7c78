"""Times one call of `fit` from its hooks, and sums it into the record of its call site."""

from __future__ import annotations

import time
from collections.abc import Callable

from fitdoctor.probe.course import Course
from fitdoctor.recording.model import Duration, Fit

SAMPLES = 400
"""Most durations kept of each kind, spread evenly over all of them: enough for a mean, constant in the number of steps."""


def add(duration: Duration, seconds: float, *, first: bool | None = None) -> None:
    """Counts one more occurrence. The very first is kept apart from the samples, as it often builds or compiles something."""
    duration.count += 1
    duration.total_s += seconds
    if (duration.count == 1) if first is None else first:
        duration.first_s = seconds
        return
    number = duration.count - 1 - (first is None)
    apart = 1 << (number // SAMPLES).bit_length()  # one is kept of so many; twice as many each time that the store is full
    if number and number * 2 == SAMPLES * apart:
        del duration.samples_s[1::2]
    if number % apart == 0:
        duration.samples_s.append(seconds)


class FitTimer:
    """Follows the hooks of one fit. Times telescope: setup, epochs and teardown sum to the call's wall time.

    Args:
        record: What the durations are added to.
        clock: Seconds.
    """

    def __init__(self, record: Fit, clock: Callable[[], float] = time.perf_counter) -> None:
        self.record = record
        self._clock = clock
        self.began_s = clock()
        self.hooks_s = 0.0
        self.nested_s = 0.0
        self.epoch_steps = 0
        self.epochs = 0
        self.train_calls = 0
        self.first_step_done = False
        self.steps_s = 0.0
        self.validating = False
        self.validation_steps = 0
        self.validation_passes = 0
        self.hook = ""
        self._epoch_s: float | None = None
        self._cut_s: float | None = None
        self._mark_s = self.began_s
        self._begin_s = self._function_end_s = 0.0
        self._accounted_s = self._hooks_before_s = self._validation_steps_s = self._validation_hooks_s = self._validation_began_s = 0.0
        self._setup_done = False
        self.stopped_by_us = False
        self._drawn_s = 0.0
        self._call_s = self._hooks_at_begin_s = self._hooks_at_function_end_s = self._hooks_at_validation_s = 0.0
        self._last_epoch_end_s = self._hooks_at_epoch_end_s = 0.0
        self.in_epoch = False
        self.rate: float | None = None
        """The learning rate at the end of the epoch, before callbacks may set another."""
        self.course = Course(record)

    def aside(self, seconds: float) -> None:
        """So long did we look at something between steps: no part of the fit is charged for it."""
        self.hooks_s += seconds

    def seconds(self) -> float:
        """Seconds since the fit began."""
        return self._clock() - self.began_s

    def seconds_in_epoch(self) -> float:
        """Seconds of this epoch's steps so far, without its first one, for which the input may begin anew."""
        return self.steps_s

    def epoch_begins(self) -> None:
        now_s = self._clock()
        if not self._setup_done:
            add(self.record.setup, now_s - self.began_s - self.hooks_s)
            self._setup_done = True
        else:
            self._close_epoch(now_s, self.hooks_s)
        self.in_epoch = True
        self._epoch_s, self._accounted_s, self._hooks_before_s = now_s, 0.0, self.hooks_s
        self.epoch_steps, self.steps_s = 0, 0.0
        self.course.epoch_begins()

    def _close_epoch(self, now_s: float, hooks_s: float) -> None:
        if self._epoch_s is not None:
            rest_s = now_s - self._epoch_s - self._accounted_s - (hooks_s - self._hooks_before_s)
            add(self.record.epoch_boundary, max(0.0, rest_s))
        self._epoch_s = None

    def drew(self, seconds: float) -> None:
        """The loop waited for the batch of the step that comes now."""
        self._drawn_s += seconds

    def step_begins(self) -> None:
        now_s = self._clock()
        self._begin_s = now_s if self.epoch_steps == 0 else self._mark_s
        self._hooks_at_begin_s = self.hooks_s

    def step_dispatched(self) -> None:
        self._call_s = self._clock()

    def step_returned(self) -> None:
        self._function_end_s, self._hooks_at_function_end_s = self._clock(), self.hooks_s

    def step_ends(self) -> None:
        now_s = self._clock()
        step_s = now_s - self._begin_s
        hooks_s = self.hooks_s - self._hooks_at_begin_s
        hooks_after_s = self.hooks_s - self._hooks_at_function_end_s
        if not self.first_step_done:
            self.first_step_done = True
            add(self.record.first_step, step_s)
        elif self.epoch_steps == 0:
            add(self.record.epoch_first_step, step_s)
        else:
            add(self.record.step, step_s, first=False)
            add(self.record.function, self._function_end_s - self._call_s, first=False)
            add(self.record.logs, max(0.0, now_s - self._function_end_s - hooks_after_s), first=False)
            if self._drawn_s:
                add(self.record.input_wait, self._drawn_s, first=False)
            self.steps_s += step_s
            self.course.step(step_s)
        self._drawn_s = 0.0
        self._accounted_s += step_s - hooks_s
        self.epoch_steps += 1
        self.train_calls += 1
        self._mark_s = now_s

    def cut(self) -> None:
        """The epoch was cut short: what its pipeline takes to shut down now is not a cost of the whole training."""
        self._cut_s = self._clock()

    def uncut(self) -> None:
        """The epoch's end was reached after a cut."""
        if self._cut_s is not None:
            self._accounted_s += self._clock() - self._cut_s
            self._cut_s = None

    def validation_begins(self) -> None:
        self.uncut()
        self.validating, self.validation_steps, self._validation_steps_s, self._validation_hooks_s = True, 0, 0.0, 0.0
        self._validation_began_s, self._hooks_at_validation_s = self._clock(), self.hooks_s
        self._mark_s = self._validation_began_s

    def validation_step_begins(self) -> None:
        self._mark_s, self._hooks_at_begin_s = self._clock(), self.hooks_s

    def validation_step_ends(self) -> None:
        now_s = self._clock()
        step_s = now_s - self._mark_s
        self._validation_hooks_s += self.hooks_s - self._hooks_at_begin_s
        first = self.validation_passes == 0 and self.validation_steps == 0
        add(self.record.validation_first_step if first else self.record.validation_step, step_s, first=first)
        self._validation_steps_s += step_s
        self.validation_steps += 1

    def validation_seconds(self) -> float:
        return self._validation_steps_s

    def validation_ends(self) -> None:
        total_s = self._clock() - self._validation_began_s - (self.hooks_s - self._hooks_at_validation_s)
        # Hooks inside a step are part of that step's time already.
        add(self.record.validation_overhead, max(0.0, total_s - self._validation_steps_s + self._validation_hooks_s))
        self._accounted_s += total_s
        self.validating = False
        self.validation_passes += 1

    def epoch_ends(self) -> None:
        self.epochs += 1
        self.record.epochs_seen += 1
        if self.record.steps_basis == "unknown" and self.epoch_steps:
            self.record.steps_per_epoch = max(self.record.steps_per_epoch or 0, self.epoch_steps * self.record.steps_per_execution)

    def fit_ends(self) -> None:
        self.uncut()
        now_s = self._clock()
        if not self._setup_done:
            add(self.record.setup, now_s - self.began_s - self.hooks_s)
        elif self.in_epoch:  # an exception left it
            self._close_epoch(now_s, self.hooks_s)
        else:
            self._close_epoch(self._last_epoch_end_s, self._hooks_at_epoch_end_s)
            add(self.record.teardown, max(0.0, now_s - self._last_epoch_end_s - (self.hooks_s - self._hooks_at_epoch_end_s)))

    def epoch_end_returned(self) -> None:
        self.in_epoch = False
        self._last_epoch_end_s, self._hooks_at_epoch_end_s = self._clock(), self.hooks_s
