"""Times one call of `fit` from its hooks, and sums it into the record of its call site."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.durations import add, add_alike, before, lengthen, sample
from fitdoctor.probe.timing.step_sampling import LONG_S, LONGER, LOOKED, LOOKED_FIRST, RESTS, Rest, Split
from fitdoctor.probe.timing.training_curve import Course
from fitdoctor.recording.model import Duration, Fit


class FitTimer:
    """Follows the hooks of one fit. Times telescope: setup, epochs and teardown sum to the call's wall time.

    Args:
        record: What the durations are added to.
        clock: Seconds.
        rest: What the seams read and write while steps are not looked at, where they do: see `LONG_S`.
    """

    def __init__(
        self, record: Fit, clock: Callable[[], float] = time.perf_counter, *, rest: Rest | None = None
    ) -> None:
        self.record = record
        self.rest = rest or Rest()
        self.drawn_s = self.mark_s = 0.0
        self.alike: dict[Callable[[], None], Duration] = {}
        """Hooks that take about the same at each step, by what ends that they are timed:

        after the first rest, that is told from before.
        """
        self._told: list[Duration] = []
        self._rests = itertools.cycle(RESTS) if rest is not None else None
        self._look_began, self._looked, self._rest_steps = 0, Split(), 0
        self._rest_began_s = self._hooks_at_rest_s = self._long_waits_s = 0.0
        self._even, self._passed = False, 0
        """Whether the waits for batches were all about the same last; how many may be drawn now with no clock."""
        self._clock = clock
        self.began_s = clock()
        self.hooks_s = 0.0
        self.nested_s = 0.0
        self.epoch_steps = 0
        self.at_once, self.epoch_batches = record.steps_per_execution, record.steps_per_epoch
        """Batches of a call of the train function, and of an epoch, where that is known: of this call of fit."""
        self.epochs = 0
        self.train_calls = 0
        self.first_step_done = False
        self.steps_s = 0.0
        self.validating = False
        self.validation_steps = 0
        self.validation_passes = 0
        self.hook, self.in_call = "", False
        """The callback's hook that runs, and whether that has called `predict` or the like."""
        self._epoch_s: float | None = None
        self._cut_s: float | None = None
        self.mark_s = self.began_s
        self._begin_s = self._function_end_s = 0.0
        self._accounted_s = self._hooks_before_s = self._validation_steps_s = self._validation_hooks_s = (
            self._validation_began_s
        ) = 0.0
        self._setup_done = False
        self.stopped_by_us = False
        self._first_drawn_s = self._idle_s = 0.0
        self._asked_s: float | None = None
        """When the loop asked for the first batch of an epoch, where it draws that before the step's first hook."""
        self.overlap: Overlap | None = None
        self.following = False
        """Whether it is followed what is computed beside the call that comes now."""
        self.callbacks: Any = None
        """The list that this fit calls."""
        self._loop_end_s = 0.0
        self._computing_s: float | None = None
        self._call_s = self._hooks_at_begin_s = self._hooks_at_function_end_s = self._hooks_at_validation_s = 0.0
        self._last_epoch_end_s = self._hooks_at_epoch_end_s = 0.0
        self.in_epoch = False
        self.rate: float | None = None
        """The learning rate at the end of the epoch, before callbacks may set another."""
        self.course = Course(record)

    def discount(self, seconds: float) -> None:
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
        self.epoch_steps, self.steps_s, self.drawn_s = 0, 0.0, 0.0
        self._computing_s = self._asked_s = None
        if self.overlap is not None:
            self.overlap.epoch_begins()
        self.course.epoch_begins()
        self._look()

    def _close_epoch(self, now_s: float, hooks_s: float) -> None:
        if self._epoch_s is not None:
            rest_s = now_s - self._epoch_s - self._accounted_s - (hooks_s - self._hooks_before_s)
            add(self.record.epoch_boundary, max(0.0, rest_s))
        self._epoch_s = None

    def drew(self, seconds: float) -> None:
        """The loop, or the train function, waited for the batch of the step that comes now."""
        if self.rest.of is not None and seconds >= LONG_S:
            self._long_waits_s += seconds
        overlap, number = self.overlap, self.epoch_steps
        if not number and not self.drawn_s and self.in_epoch and self.record.input_drawn == "loop":
            self._asked_s = self._clock() - seconds
        if (
            overlap is not None and self.following and not self.drawn_s
        ):  # of several draws the first meets nothing but earlier calls
            now_s = self._clock()
            began_s = now_s - seconds
            if number:
                overlap.sent(number - 1, self._function_end_s)
            overlap.drawing(number, began_s)
            self._first_drawn_s, self._idle_s = seconds, overlap.idle_s(number, began_s, now_s)
        self.drawn_s += seconds

    def computed(self, number: int, *, hooks_s: float, here: bool) -> None:
        """A step of this epoch was computed, and then hooks were called for so long.

        `here` says that all of it was on the loop's own thread, right after the train function.
        """
        now_s = self._clock() - (self.hooks_s - self._hooks_at_function_end_s if here else hooks_s)
        if self.overlap is not None:
            self.overlap.done(number, now_s)
        if here:
            self._function_end_s = now_s

    def step_begins(self) -> None:
        if self.epoch_steps:
            self._begin_s = self.mark_s
        else:
            self._begin_s, self._asked_s = self._clock() if self._asked_s is None else self._asked_s, None
        self._hooks_at_begin_s = self.hooks_s

    def step_dispatched(self) -> None:
        self._call_s = self._clock()

    def step_returned(self) -> None:
        self._function_end_s, self._hooks_at_function_end_s = self._clock(), self.hooks_s

    def step_ends(self) -> None:
        now_s = self._clock()
        step_s = now_s - self._begin_s
        self._add_told(1)
        all_hooks_s = self.hooks_s
        hooks_s, hooks_after_s = all_hooks_s - self._hooks_at_begin_s, all_hooks_s - self._hooks_at_function_end_s
        if not self.first_step_done:
            self.first_step_done = True
            add(self.record.first_step, step_s)
        elif self.epoch_steps == 0:
            add(self.record.epoch_first_step, step_s)
            add(self.record.epoch_first_wait, self.drawn_s)
        else:
            self._add_step(step_s, self._function_end_s - self._call_s, now_s - self._function_end_s - hooks_after_s)
            if self.drawn_s:
                add(self.record.input_wait, self.drawn_s, first=False)
                if self.overlap is not None and self.following:
                    self._add_overlap(self.overlap)
            self.steps_s += step_s
            self.course.step(step_s)
        self.drawn_s = 0.0
        self._accounted_s += step_s - hooks_s
        self.epoch_steps += 1
        self.train_calls += 1
        self.mark_s = now_s
        if self._rests is not None:
            if self.epoch_steps == 1:  # the first of an epoch stands apart
                self._looked = Split.until_now(self.record, self.hooks_s)
            elif self.epoch_steps - self._look_began >= LOOKED:
                self._rest(self._rests)

    def _look(self) -> None:
        """From here on the steps are looked at."""
        self.rest.is_over()
        self.rest.passing, self._look_began, self.following = 0, self.epoch_steps, self.overlap is not None
        if self._rests is not None:
            self._looked = Split.until_now(self.record, self.hooks_s)
        if self.overlap is not None:
            self.overlap.begins_at(self.epoch_steps)

    def _rest(self, rests: Iterator[int]) -> None:
        """Lets some steps pass, unless they are long, or new."""
        step = self.record.step
        if step.count < LOOKED_FIRST or step.total_s >= LONG_S * step.count:
            return
        while self.alike:
            restore, hook = self.alike.popitem()
            self._told.append(hook)
            restore()
        self._looked = Split.until_now(self.record, self.hooks_s).since(self._looked)
        steps = next(rests) * (LONGER if self._even else 1)
        self._begin_rest(steps, self._draws_in(steps) if self._even else 0)
        self.following, self.rest.of = False, self.callbacks

    def _begin_rest(self, steps: int, passing: int) -> None:
        self._rest_steps, self._rest_began_s, self._hooks_at_rest_s, self._long_waits_s = (
            steps,
            self.mark_s,
            self.hooks_s,
            0.0,
        )
        self.rest.left, self.rest.drawn_s, self.rest.ended_s = steps, 0.0, self.mark_s
        self._passed = self.rest.passing = passing
        if passing and self.epoch_batches:  # the last step of an epoch is seen, as what comes after it is no step's
            alone = min(steps, -(-passing // self.at_once)) - 1
            self.rest.usual_s = self._looked.step_s / (self._looked.steps * self.at_once)
            self.rest.aside.begin(self.callbacks, alone, self.at_once)

    def _draws_in(self, steps: int) -> int:
        """How many batches of arrays the next steps draw, if the train function does; no more than the epoch has left,
        if known.
        """
        if (
            self.record.input_drawn != "function" or self.record.input_kind != "arrays"
        ):  # any other may stall, once in a while
            return 0
        wanted = steps * self.at_once
        return (
            min(wanted, max(0, self.epoch_batches - self.epoch_steps * self.at_once)) if self.epoch_batches else wanted
        )

    def rested_enough(self) -> None:
        """As many steps have passed as were to."""
        self.rest.is_over()
        self._add_rest(self._rest_steps)
        self._look()

    def long_step(self) -> None:
        """The last step was long, and its batch may have been: those of the next ones are timed."""
        left = self.rest.left
        self._add_rest(self._rest_steps - left)
        self._begin_rest(min(left, RESTS[0]), 0)

    def rouse(self, *, last_ended: bool = True) -> None:
        """An epoch has no more steps. When its last ones were computed is not known."""
        if self.rest.of is not None:
            if self.rest.aside.begun:  # a callback, or an error, has ended the epoch
                self.rest.come_back(last_ended=last_ended)
                self.rest.ended_s = self._clock()
            self.rest.is_over()
            steps = self._rest_steps - self.rest.left
            if steps:
                self._add_rest(steps)

    def _add_rest(self, steps: int) -> None:
        self.mark_s, drawn_s = self.rest.ended_s, self.drawn_s + self.rest.drawn_s
        record, rest_s = self.record, self.mark_s - self._rest_began_s
        self._add_told(steps)
        hooks_s = self.hooks_s - self._hooks_at_rest_s
        if self._passed > self.rest.passing:  # some were drawn with no clock
            drawn_s += self._looked.waited_in(rest_s - hooks_s)
            self._even = self._looked.is_usual(steps, rest_s)
        else:
            self._even = not self._long_waits_s
        function_s, logs_s = self._looked.of(rest_s - hooks_s, drawn_s, in_function=record.input_drawn == "function")
        add_alike(record.step, steps, rest_s)
        add_alike(record.function, steps, function_s)
        add_alike(record.logs, steps, logs_s)
        if drawn_s:
            if record.input_idle.count:
                idle_share = (
                    record.input_idle.total_s
                    / record.input_idle.count
                    / (record.input_wait.total_s / record.input_wait.count)
                )
                usual_s = drawn_s - self._long_waits_s
                add_alike(record.input_idle, steps, min(drawn_s, idle_share * usual_s + self._long_waits_s))
            add_alike(record.input_wait, steps, drawn_s)
        self.steps_s += rest_s
        self.course.step(rest_s, steps)
        self.drawn_s = 0.0
        self._accounted_s += rest_s - hooks_s
        self.epoch_steps += steps
        self.train_calls += steps

    def _add_told(self, steps: int) -> None:
        """Adds what hooks have taken that are not timed any more."""
        for hook in self._told:
            known_s = steps * (hook.total_s - hook.first_s) / max(1, hook.count - 1)
            add_alike(hook, steps, known_s)
            self.hooks_s += known_s

    def _add_overlap(self, overlap: Overlap) -> None:
        if not overlap.told:
            return
        if (
            self.epoch_steps > self._look_began
        ):  # of the first that is looked at it is not known when the one before it was done
            idle_share = self._idle_s / self._first_drawn_s if self._first_drawn_s > 0 else 0.0
            add(self.record.input_idle, min(1.0, idle_share) * self.drawn_s, first=False)
        self._add_computed(overlap, self.epoch_steps)

    def _add_computed(self, overlap: Overlap, sent: int, *, alone: bool = False) -> None:
        for number, seconds in overlap.computed(sent):
            if number or alone:  # the first step of an epoch stands apart, unless there is no other
                add(self.record.device, seconds, first=False)

    def _still_computing(self, since_s: float, until_s: float) -> float:
        """How long the device was at steps of this epoch whose calls had all returned, from one time to another."""
        if self.overlap is None or not self.following or not self.epoch_steps:
            return 0.0
        last_s = self.overlap.done_at(self.epoch_steps - 1)
        return 0.0 if last_s is None else max(0.0, min(last_s, until_s) - since_s)

    def _add_step(self, step_s: float, function_s: float, logs_s: float) -> None:
        """Does for three durations at once, which are always added together, what `add` does for each:

        it comes with every step.
        """
        record = self.record
        step, function, logs = record.step, record.function, record.logs
        number = step.count
        step.count = function.count = logs.count = number + 1
        step.total_s += step_s
        function.total_s += function_s
        logs_s = max(logs_s, 0.0)
        logs.total_s += logs_s
        ahead = before(number)
        sample(step, step_s, ahead)
        sample(function, function_s, ahead)
        sample(logs, logs_s, ahead)

    def cut(self) -> None:
        """The epoch was cut short: what its pipeline takes to shut down now is not a cost of the whole training."""
        self.rouse()
        self._cut_s = self._clock()

    def uncut(self) -> None:
        """The epoch's steps have ended, if need be after a cut."""
        self.rouse()
        if self._cut_s is not None:
            self.mark_s = self._clock()
            self._accounted_s += self.mark_s - self._cut_s
            self._cut_s = None

    def validation_begins(self) -> None:
        self.uncut()
        self._loop_end_s = self.mark_s
        self.validating, self.validation_steps, self._validation_steps_s, self._validation_hooks_s = True, 0, 0.0, 0.0
        self._validation_began_s, self._hooks_at_validation_s = self._clock(), self.hooks_s
        self.mark_s = self._validation_began_s

    def validation_step_begins(self) -> None:
        self.mark_s, self._hooks_at_begin_s = self._clock(), self.hooks_s

    def validation_step_ends(self) -> None:
        now_s = self._clock()
        step_s = now_s - self.mark_s
        self._validation_hooks_s += self.hooks_s - self._hooks_at_begin_s
        first = self.validation_passes == 0 and self.validation_steps == 0
        add(self.record.validation_first_step if first else self.record.validation_step, step_s, first=first)
        self._validation_steps_s += step_s
        self.validation_steps += 1

    def validation_seconds(self) -> float:
        return self._validation_steps_s

    def validation_ends(self) -> None:
        now_s = self._clock()
        total_s = now_s - self._validation_began_s - (self.hooks_s - self._hooks_at_validation_s)
        # Hooks inside a step are part of that step's time already.
        overhead_s = max(0.0, total_s - self._validation_steps_s + self._validation_hooks_s)
        # It waits for the training's steps first, where those are still computed.
        before_s = self._still_computing(self._loop_end_s, self._validation_began_s)
        within_s = min(overhead_s, self._still_computing(self._validation_began_s, now_s))
        add(self.record.validation_overhead, overhead_s - within_s)
        self._accounted_s += total_s + before_s
        self._computing_s = before_s + within_s
        self.validating = False
        self.validation_passes += 1

    def epoch_ends(self) -> None:
        self.epochs += 1
        self.record.epochs_seen += 1
        if self.overlap is not None and self.overlap.told:
            self._note_still_computing(self.overlap)
        if self.record.steps_basis == "unknown" and self.epoch_steps:
            self.record.steps_per_epoch = max(
                self.record.steps_per_epoch or 0, self.epoch_steps * self.record.steps_per_execution
            )

    def _note_still_computing(self, overlap: Overlap) -> None:
        if not self.following:
            return
        if self._computing_s is None:
            self._computing_s = self._still_computing(self.mark_s, self._clock())
            self._accounted_s += self._computing_s
        if self.epoch_steps > 1:
            add(self.record.still_computing, self._computing_s)
        elif self.epoch_steps:  # it is that step's own
            lengthen(
                self.record.first_step if self.train_calls == 1 else self.record.epoch_first_step, self._computing_s
            )
        overlap.sent(self.epoch_steps - 1, self._function_end_s)
        self._add_computed(overlap, self.epoch_steps, alone=self.epoch_steps == 1)

    def fit_ends(self) -> None:
        self.rouse(last_ended=False)
        self.uncut()
        now_s = self._clock()
        if not self._setup_done:
            add(self.record.setup, now_s - self.began_s - self.hooks_s)
        elif self.in_epoch:  # an exception left it
            self._close_epoch(now_s, self.hooks_s)
        else:
            self._close_epoch(self._last_epoch_end_s, self._hooks_at_epoch_end_s)
            add(
                self.record.teardown,
                max(0.0, now_s - self._last_epoch_end_s - (self.hooks_s - self._hooks_at_epoch_end_s)),
            )

    def epoch_end_returned(self) -> None:
        self.in_epoch = False
        self._last_epoch_end_s, self._hooks_at_epoch_end_s = self._clock(), self.hooks_s
