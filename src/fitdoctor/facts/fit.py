"""The unit costs and the counts of one fit, for single steps even if several run in one execution."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from math import ceil

from fitdoctor.facts.epochs import Bound, Epochs, epochs_of
from fitdoctor.facts.hook_kinds import WITHIN_A_STEP, hook_kind
from fitdoctor.facts.units import typical_s, unit_interval, unit_s
from fitdoctor.recording.model import CallbackRecord, CallSiteRecord, Duration, Fit
from fitdoctor.report.model import Interval

# A later call traces again if its first step costs at least this share of the very first one: the model was built or
# compiled again.
RETRACE_SHARE = 0.5


class FitFacts:
    """Derived figures of one recorded fit.

    Recorded durations are per call of the train function, which runs `steps_per_execution` batches. Every figure here
    is per batch, which is called a step. `nested_s` are the seconds of a recorded step that other calls of Keras inside
    batch hooks take: they are counted separately. `seen` is the record of the same fit if it ran uncut, in a watched
    training or in a scout.
    """

    def __init__(self, index: int, record: Fit, nested_s: float = 0.0, seen: Fit | None = None) -> None:
        self.index = index
        self.record = record
        self.seen = seen
        self._nested_s = nested_s

    @property
    def id(self) -> str:
        return f"fit{self.index}"

    def unit(self, took: Duration, period: int = 0) -> Interval:
        """The cost of one unit of a duration. See `unit_s` for `period`."""
        return unit_interval(took, period)

    @cached_property
    def per_execution(self) -> int:
        return max(1, self.record.steps_per_execution)

    @cached_property
    def epochs(self) -> Epochs:
        return epochs_of(self.record)

    @cached_property
    def steps_known(self) -> bool:
        return self.record.steps_per_epoch is not None and self.record.steps_basis != "unknown"

    @cached_property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch. If that is unknown, the most that ran, which is a lower bound."""
        if self.record.steps_per_epoch is not None:
            return max(0, self.record.steps_per_epoch)
        return ceil(self._executions_seen * self.per_execution / max(1, self.record.epochs_seen))

    def steps(self, bound: Bound) -> int:
        """Steps of the whole training, without each call's first execution, which traces."""
        first = self.per_execution if self.record.first_step.count else 0
        return self.record.calls * max(0, self.epochs.at(bound) * self.steps_per_epoch - first)

    @property
    def _executions_seen(self) -> int:
        return executions_seen(self.record)

    @cached_property
    def step_s(self) -> float:
        loop_s = max(0.0, self.unit(self.record.step, self.period).mid - self._nested_s) / self.per_execution
        return loop_s + self.still_computing_s

    @cached_property
    def still_computing_s(self) -> float:
        """A step's share of the computation that continues after the last step of an epoch was sent."""
        return typical_s(self.record.still_computing) / max(1, self.steps_per_epoch)

    @cached_property
    def period(self) -> int:
        """Recorded steps of an epoch, without its first. 0 if unknown."""
        return max(0, ceil(self.steps_per_epoch / self.per_execution) - 1) if self.steps_known else 0

    @cached_property
    def epoch_stall_s(self) -> float:
        """Extra seconds of the first step of a later epoch, because its input starts again."""
        stall_s = typical_s(self.record.epoch_first_step) - self.unit(self.record.step, self.period).mid
        return max(0.0, stall_s) if self.record.step.count else 0.0

    @cached_property
    def stall_wait_s(self) -> float:
        """The part of `epoch_stall_s` that is a measured wait for the first batch."""
        first, usual = self.record.epoch_first_wait, self.record.input_wait
        usual_s = self.unit(usual, self.period).mid if usual.count else 0.0
        return max(0.0, min(self.epoch_stall_s, typical_s(first) - usual_s)) if first.count else 0.0

    def later_epochs(self, bound: Bound) -> int:
        """Epochs of the whole training without the first one of each call."""
        return self.record.calls * max(0, self.epochs.at(bound) - 1)

    @cached_property
    def function_s(self) -> float:
        """The part of a step inside the train function, and the computation after it.

        It waits for input, computes and dispatches.
        """
        return min(
            self.step_s, self.unit(self.record.function, self.period).mid / self.per_execution + self.still_computing_s
        )

    @cached_property
    def wait_s(self) -> float | None:
        """The part of a step in which the loop waits for its batch.

        None if the train function waits, because it computes as well.
        """
        waited = self.record.input_wait
        if not waited.count or self.record.input_drawn != "loop":
            return None
        return min(self.step_s - self.function_s, self.unit(waited, self.period).mid / self.per_execution)

    @cached_property
    def drawn_s(self) -> float | None:
        """Seconds that the train function waits for its batch. None if that is not measured.

        Earlier steps may be computed meanwhile.
        """
        waited = self.record.input_wait
        if not waited.count or self.record.input_drawn != "function":
            return None
        return min(self.function_s, self.unit(waited, self.period).mid / self.per_execution)

    @cached_property
    def idle_s(self) -> float | None:
        """The part of `drawn_s` in which nothing is computed. None if that is not measured."""
        idle = self.record.input_idle
        if self.drawn_s is None or not idle.count:
            return None
        return min(self.drawn_s, self.unit(idle, self.period).mid / self.per_execution)

    @cached_property
    def device_s(self) -> float | None:
        """Seconds that a step computes. None if that is not measured."""
        return self.unit(self.record.device, self.period).mid / self.per_execution if self.record.device.count else None

    @cached_property
    def logs_s(self) -> float:
        logs_s = self.unit(self.record.logs, self.period).mid / self.per_execution
        return min(self.step_s - self.function_s - (self.wait_s or 0.0), logs_s)

    @cached_property
    def batch_hooks_s(self) -> dict[int, float]:
        """Seconds of batch hooks in a step, by the callback's position. Their sum is at most the rest of the step."""
        left = self.step_s - self.function_s - (self.wait_s or 0.0) - self.logs_s
        costs: dict[int, float] = {}
        for position, callback in enumerate(self.record.callbacks):
            hooks = (took for hook, took in callback.hooks.items() if hook_kind(hook) == "batch")
            cost = sum(self.unit(took, self.period).mid for took in hooks) / self.per_execution
            costs[position] = min(cost, left)
            left -= costs[position]
        return costs

    @cached_property
    def bare_step_s(self) -> float:
        """Seconds of a step without the callbacks' hooks and without the measured wait for its batch."""
        return max(0.0, self.step_s - sum(self.batch_hooks_s.values()) - (self.wait_s or 0.0) - (self.idle_s or 0.0))

    @cached_property
    def python_s(self) -> float:
        """The rest of a step: Python of Keras' own loop."""
        known_s = self.function_s + (self.wait_s or 0.0) + self.logs_s + sum(self.batch_hooks_s.values())
        return max(0.0, self.step_s - known_s)

    @cached_property
    def one_offs_paid(self) -> int:
        """How many calls pay for tracing.

        One does, or all of them if the model is built again, or if only one call ran.
        """
        first, later = self.record.first_step, self.record.first_step.samples_s
        if later and unit_s(first) < RETRACE_SHARE * first.first_s:
            return 1
        return max(1, self.record.calls)

    def hook_calls(self, hook: str, bound: Bound) -> float:
        """How often a hook runs in the whole training."""
        calls, epochs = self.record.calls, self.epochs.at(bound)
        often = {
            "train": calls,
            "epoch": calls * epochs,
            "batch": calls * epochs * ceil(self.steps_per_epoch / self.per_execution),
            "validation": self.validation_passes(bound),
            "validation batch": self.validation_passes(bound) * ceil(self.validation_steps / self.per_execution),
        }
        return float(often[hook_kind(hook)])

    def hook_calls_seen(self, hook: str) -> int:
        """How often a hook ran in the scout."""
        counts = [callback.hooks[hook].count for callback in self.record.callbacks if hook in callback.hooks]
        record = self.record
        seen = {
            "train": record.calls_run,
            "epoch": record.epochs_seen,
            "batch": self._executions_seen,
            "validation": record.validation_overhead.count,
            "validation batch": record.validation_step.count + record.validation_first_step.count,
        }
        return max(1, *counts, seen[hook_kind(hook)])

    @cached_property
    def validation_steps(self) -> int:
        """Batches of a validation pass."""
        if self.record.validation_steps is not None:
            return max(1, self.record.validation_steps)
        passes = max(1, self.record.validation_overhead.count)
        executions = self.record.validation_step.count + self.record.validation_first_step.count
        return max(1, ceil(executions * self.per_execution / passes))

    @cached_property
    def validates(self) -> bool:
        record = self.record
        return record.validation_overhead.count + record.validation_step.count + record.validation_first_step.count > 0

    @cached_property
    def validation_pass(self) -> Interval:
        """Seconds of one pass over the validation data."""
        executions = ceil(self.validation_steps / self.per_execution)
        step, around = unit_interval(self.record.validation_step), self.record.validation_overhead
        # Often only two passes are recorded. One hiccup of the machine would be multiplied by all passes to come.
        usual_s = typical_s(around)
        overhead = Interval(low=usual_s, mid=usual_s, high=max(usual_s, unit_interval(around).high))
        if not self.record.validation_step.count:
            step = Interval(low=0.0, mid=0.0, high=0.0)
        return Interval(
            low=executions * step.low + overhead.low,
            mid=executions * step.mid + overhead.mid,
            high=executions * step.high + overhead.high,
        )

    def validation_passes(self, bound: Bound, freq: int | None = None) -> int:
        """Passes of the whole training, as written or with another `validation_freq`."""
        epochs = self.epochs.at(bound)
        every = self.record.validation_freq if freq is None else freq
        if not self.validates:
            return 0
        if isinstance(every, int):
            return self.record.calls * (epochs // max(1, every))
        if isinstance(every, list | tuple):
            first = self.record.initial_epoch
            return self.record.calls * sum(1 for epoch in every if first < epoch <= first + epochs)
        return self.record.calls * epochs

    @cached_property
    def recorded_s(self) -> float:
        """Seconds of the recording that the durations of this fit hold."""
        record = self.record
        kinds = (
            record.setup,
            record.first_step,
            record.epoch_first_step,
            record.step,
            record.validation_first_step,
            record.validation_step,
            record.validation_overhead,
            record.still_computing,
            record.epoch_boundary,
            record.teardown,
            record.substituted,
        )
        hooks = [took for callback in record.callbacks for took in self.hooks_apart(callback).values()]
        return sum(took.total_s for took in (*kinds, *hooks))

    def hooks_apart(self, callback: CallbackRecord) -> dict[str, Duration]:
        """The hooks of a callback whose time is in no other recorded duration."""
        return {hook: took for hook, took in callback.hooks.items() if hook_kind(hook) not in WITHIN_A_STEP}


def nested_step_s(index: int, record: Fit, loops: Iterable[CallSiteRecord]) -> float:
    """Seconds of a recorded step that calls of `predict` and the like in its batch hooks take on average."""
    inside = [loop for loop in loops if loop.inside == index and hook_kind(loop.hook) == "batch"]
    taken_s = sum(loop.run.total_s + loop.substituted.total_s for loop in inside)
    return taken_s / max(1, executions_seen(record))


def executions_seen(record: Fit) -> int:
    """Calls of the train function in the scout."""
    return record.step.count + record.first_step.count + record.epoch_first_step.count
