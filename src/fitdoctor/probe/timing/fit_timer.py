"""Times one call of `fit` from its hooks, and sums it into the record of its call site."""

from __future__ import annotations

from collections.abc import Callable

from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.device_timer import DeviceTimer
from fitdoctor.probe.timing.durations import add, add_sample, position_in_mean
from fitdoctor.probe.timing.epoch_timer import EpochTimer
from fitdoctor.probe.timing.step_sampling import LONG_S, SAMPLED_STEPS, StepSampler, StepSkip
from fitdoctor.probe.timing.training_curve import TrainingCurve
from fitdoctor.probe.timing.validation_timer import ValidationTimer
from fitdoctor.recording.model import Fit


class FitTimer:
    """Follows the hooks of one fit. Setup, epochs and teardown sum to the call's wall time.

    It times the training steps itself and leaves all else to its parts. It has 22 attributes, since the hooks of every
    sampled step read or write most of them: in another object, each would cost one look-up more.

    Args:
        record: What the durations are added to.
        clock: Seconds.
        step_skip: What the hooks read while steps are skipped. None if all steps are sampled.

    Attributes:
        sampler: Decides which steps are skipped.
        epoch: Times what lies between the steps.
        validation: Times the validation passes.
        device: Times what the device computes beside the loop.
        curve: The learning curve, and the course of the step time.
        began_s: Time at which the fit began.
        hooks_s: Time of the callbacks' own hooks, and of our own work between steps.
        nested_s: Time of other Keras calls within the hooks.
        hook: The hook of a callback that runs.
        in_call: Whether that hook has called `predict` or the like.
        stopped_by_us: Whether we ended the fit early.
        following: Whether the step that comes now is sampled and the device's time is recorded.
        waited_s: Time that the step that comes now has waited for its batches.
        step_ended_s: Time at which the latest step ended.
        epoch_steps: Number of steps of this epoch.
    """

    def __init__(
        self, record: Fit, clock: Callable[[], float] = time.perf_counter, *, step_skip: StepSkip | None = None
    ) -> None:
        self.record = record
        self._clock = clock
        self.began_s = clock()
        self.sampler = StepSampler(record, step_skip)
        self.epoch = EpochTimer(record, self.began_s)
        self.validation = ValidationTimer(record)
        self.device = DeviceTimer(record)
        self.curve = TrainingCurve(record)
        self.hooks_s = self.nested_s = 0.0
        self.hook, self.in_call = "", False
        self.stopped_by_us = self.following = False
        self.epoch_steps = 0
        self.waited_s = 0.0
        self.step_ended_s = self.began_s
        self._step_began_s = self._called_s = self._returned_s = 0.0
        self._hooks_at_begin_s = self._hooks_at_return_s = 0.0

    # what others ask

    @property
    def epochs(self) -> int:
        """Number of epochs that have ended."""
        return self.epoch.count

    @property
    def in_epoch(self) -> bool:
        """Whether an epoch runs."""
        return self.epoch.running

    @property
    def validating(self) -> bool:
        """Whether a validation pass runs."""
        return self.validation.running

    @property
    def train_calls(self) -> int:
        """Number of steps of this fit, i.e. of calls of its train function."""
        return self.epoch.earlier_steps + self.epoch_steps

    @property
    def first_step_done(self) -> bool:
        """Whether the first step of this fit has ended."""
        return self.train_calls > 0

    def seconds(self) -> float:
        """Seconds since the fit began."""
        return self._clock() - self.began_s

    def seconds_in_epoch(self) -> float:
        """Seconds of this epoch's steps, without its first one, for which the input may begin anew."""
        return self.curve.epoch_s

    def discount(self, seconds: float) -> None:
        """Subtracts the time of our own work between steps: no part of the fit is charged for it."""
        self.hooks_s += seconds

    # steps

    def batch_waited(self, seconds: float) -> None:
        """The loop, or the train function, has waited for the batch of the step that comes now."""
        if seconds >= LONG_S and self.sampler.step_skip.callback_list is not None:
            self.sampler.long_waits_s += seconds
        if not self.waited_s:
            number = self.epoch_steps
            if not number and self.epoch.running and self.record.input_drawn == "loop":
                self.epoch.first_batch_requested_s = self._clock() - seconds
            if self.following:
                self.device.first_wait(number, seconds, self._clock(), self._returned_s)
        self.waited_s += seconds

    def step_begins(self) -> None:
        """The first hook of a step is called. The step began when the one before ended."""
        if self.epoch_steps:
            self._step_began_s = self.step_ended_s
        else:
            epoch = self.epoch
            requested_s, epoch.first_batch_requested_s = epoch.first_batch_requested_s, None
            self._step_began_s = self._clock() if requested_s is None else requested_s
        self._hooks_at_begin_s = self.hooks_s

    def step_dispatched(self) -> None:
        """The hooks have returned: the train function is called now."""
        self._called_s = self._clock()

    def step_returned(self) -> None:
        """The train function has returned."""
        self._returned_s, self._hooks_at_return_s = self._clock(), self.hooks_s

    def computed(self, number: int, *, hooks_s: float, here: bool) -> None:
        """A step was computed, and then hooks were called.

        Args:
            number: Of the step in this epoch.
            hooks_s: Time of the hooks, where they ran on another thread.
            here: Whether all of it ran on the loop's own thread, right after the train function.
        """
        now_s = self._clock() - (self.hooks_s - self._hooks_at_return_s if here else hooks_s)
        if self.device.overlap is not None:
            self.device.overlap.done(number, now_s)
        if here:
            self._returned_s = now_s

    def step_ends(self) -> None:
        """The hooks of a step have returned: it ends."""
        now_s = self._clock()
        step_s = now_s - self._step_began_s
        sampler = self.sampler
        if sampler.untimed_hooks:
            self.hooks_s += sampler.add_untimed_hooks(1)
        hooks_s = self.hooks_s
        if self.epoch_steps:
            after_s = now_s - self._returned_s - (hooks_s - self._hooks_at_return_s)
            self._add_step(step_s, self._returned_s - self._called_s, after_s)
            if self.waited_s:
                add(self.record.input_wait, self.waited_s, first=False)
                if self.following:
                    first_sampled = self.epoch_steps == sampler.sampled_from
                    self.device.add_step(self.epoch_steps, self.waited_s, first_sampled=first_sampled)
            self.curve.step(step_s)
        elif not self.epoch.earlier_steps:
            add(self.record.first_step, step_s)
        else:
            add(self.record.epoch_first_step, step_s)
            add(self.record.epoch_first_wait, self.waited_s)
        self.waited_s = 0.0
        self.epoch.accounted_s += step_s - (hooks_s - self._hooks_at_begin_s)
        self.epoch_steps += 1
        self.step_ended_s = now_s
        if sampler.enabled:
            if self.epoch_steps == 1:  # the first step of an epoch has a record of its own
                sampler.begin_breakdown(hooks_s)
            elif self.epoch_steps - sampler.sampled_from >= SAMPLED_STEPS and sampler.skip(
                self.epoch_steps, now_s, hooks_s
            ):
                self.following = False

    def _add_step(self, step_s: float, function_s: float, logs_s: float) -> None:
        """Does what `add` does, for three durations at once.

        They are always added together, and at every sampled step.
        """
        record = self.record
        step, function, logs = record.step, record.function, record.logs
        number = step.count
        step.count = function.count = logs.count = number + 1
        step.total_s += step_s
        function.total_s += function_s
        logs_s = max(logs_s, 0.0)
        logs.total_s += logs_s
        position = position_in_mean(number)
        add_sample(step, step_s, position)
        add_sample(function, function_s, position)
        add_sample(logs, logs_s, position)

    # skipped steps

    def skip_finished(self) -> None:
        """All steps of a skip have passed: the next ones are sampled."""
        self.end_skip()
        self._sample()

    def shorten_skip(self) -> None:
        """The latest step was long, and its batch may be the reason: the waits of the next steps are timed."""
        self._add_skipped(self.sampler.skipped_steps)
        self.sampler.shorten(self.step_ended_s, self.hooks_s)

    def end_skip(self, *, last_ended: bool = True) -> None:
        """An epoch has no more steps. It is unknown when its last ones were computed.

        Args:
            last_ended: Whether the latest step has ended.
        """
        steps = self.sampler.end(self._clock, last_ended=last_ended)
        if steps:
            self._add_skipped(steps)

    def _sample(self) -> None:
        self.sampler.sample(self.epoch_steps, self.hooks_s)
        overlap = self.device.overlap
        self.following = overlap is not None
        if overlap is not None:
            overlap.begins_at(self.epoch_steps)

    def _add_skipped(self, steps: int) -> None:
        """Adds steps that were skipped."""
        sampler = self.sampler
        self.step_ended_s = sampler.step_skip.ended_s
        self.hooks_s += sampler.add_untimed_hooks(steps)
        skip_s, hooks_s = sampler.add_skipped(steps, self.waited_s, self.hooks_s)
        self.curve.step(skip_s, steps)
        self.waited_s = 0.0
        self.epoch.accounted_s += skip_s - hooks_s
        self.epoch_steps += steps

    # epochs

    def epoch_begins(self) -> None:
        """An epoch begins."""
        self.epoch.begins(self._clock(), self.hooks_s)
        self.epoch.earlier_steps += self.epoch_steps
        self.epoch_steps, self.waited_s = 0, 0.0
        self.device.epoch_begins()
        self.curve.epoch_begins()
        self._sample()

    def cut(self) -> None:
        """The epoch is cut short: what its pipeline takes to shut down is no cost of the whole training."""
        self.end_skip()
        self.epoch.cut_s = self._clock()

    def steps_end(self) -> None:
        """The epoch's steps have ended, and its pipeline has shut down if it was cut."""
        self.end_skip()
        if self.epoch.cut_s is not None:
            self.step_ended_s = self._clock()
            self.epoch.resume_after_cut(self.step_ended_s)

    def epoch_ends(self) -> None:
        """The hooks at the end of an epoch have returned, and our own work comes now."""
        self.epoch.count += 1
        self.record.epochs_seen += 1
        device = self.device
        if self.following and device.overlap is not None and device.overlap.observed:
            computing_s = device.still_computing_s
            if computing_s is None:
                computing_s = device.computing_s(self.epoch_steps, self.step_ended_s, self._clock())
                self.epoch.accounted_s += computing_s
            device.epoch_ends(self.epoch_steps, computing_s, self._returned_s, only_step=self.train_calls == 1)
        if self.record.steps_basis == "unknown" and self.epoch_steps:
            batches = self.epoch_steps * self.record.steps_per_execution
            self.record.steps_per_epoch = max(self.record.steps_per_epoch or 0, batches)

    def epoch_end_returned(self) -> None:
        """All work at the end of an epoch is done."""
        self.epoch.hooks_returned(self._clock(), self.hooks_s)

    def fit_ends(self) -> None:
        """The fit has returned or raised."""
        self.end_skip(last_ended=False)
        self.steps_end()
        self.epoch.fit_ends(self._clock(), self.hooks_s)

    # validation

    def validation_begins(self) -> None:
        """A validation pass begins."""
        self.steps_end()
        self.validation.begins(self._clock(), self.hooks_s)

    def validation_step_begins(self) -> None:
        """A step of a validation pass begins."""
        self.validation.step_begins(self._clock(), self.hooks_s)

    def validation_step_ends(self) -> None:
        """A step of a validation pass ends."""
        self.validation.step_ends(self._clock(), self.hooks_s)

    def validation_ends(self) -> None:
        """A validation pass ends. It waits for the training's steps first, where those are still computed."""
        now_s = self._clock()
        total_s, overhead_s = self.validation.ends(now_s, self.hooks_s)
        before_s, within_s = 0.0, 0.0
        if self.following:
            began_s = self.validation.began_s
            before_s = self.device.computing_s(self.epoch_steps, self.step_ended_s, began_s)
            within_s = min(overhead_s, self.device.computing_s(self.epoch_steps, began_s, now_s))
        add(self.record.validation_overhead, overhead_s - within_s)
        self.epoch.accounted_s += total_s + before_s
        self.device.still_computing_s = before_s + within_s
