"""Samples the steps of a fit: some steps in a row are timed, then a few hundred are skipped, and so on.

Timing one step in full costs up to 0.1 ms. Steps of 2 ms or more can afford that, and all of them are sampled. Of
shorter steps only samples are timed. The skipped steps are still counted, their total time is known, and it is split
into its parts like the time of the steps that were sampled just before. The waits for batches are timed also in
skipped steps, unless they proved to be short and even.

One state machine decides what happens at a step::

    SAMPLING ─┬─ skip(), even waits for arrays, epoch length known ──► BYPASSED
       ▲      │                                                       │ end_bypass()
       │      │                                                       ▼
       │      ├─ skip(), even waits for arrays ─────────────────► UNTIMED
       │      │                                                       │ shorten(), or no untimed batch is left
       │      │                                                       ▼
       │      └─ skip(), in all other cases ────────────────────► SKIPPING
       │                                                              │
       └──────────── end(), sample(): from each of the three ─────────┘

* SAMPLING: every step is timed in full. `StepSkip.callback_list` is None.
* SKIPPING: the hooks only count steps, and each wait for a batch is timed. `StepSkip.callback_list` is the fit's list.
* UNTIMED: as SKIPPING, but `StepSkip.untimed_batches` batches are read without a clock. Only arrays that the train
  function reads itself are left untimed, since any other input may stall.
* BYPASSED: as UNTIMED, but Keras calls its own step hooks, with none of ours in between. See `HookBypass`.

`skip()` is called after 8 sampled steps (`SAMPLED_STEPS`), but not in the first 256 steps, and not if steps take 2 ms
or more. The bypass ends one step before the skip is finished, or after a block of batches that took 2 ms longer than
expected. A long step shortens the skip, and the waits of what is left of it are timed. The skip ends when its steps
have passed, or when the epoch has no more steps. Waits are even if none was long during the latest skip; where batches
were untimed, if its steps took as long as usual. While a callback's hook runs a `fit` or `predict` of its own, the
skip is paused.

Two classes hold this machine. `StepSkip` is the state. There is one per process, since the hooks and the iterators of
batches read it at each step. They read the state and count down `steps_left` and `untimed_batches`. `StepSampler` makes
the decisions for one fit. All other changes of the state are in the methods of these two classes.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from fitdoctor.probe.timing.durations import add_many
from fitdoctor.probe.timing.hook_bypass import HookBypass
from fitdoctor.probe.timing.step_breakdown import StepBreakdown
from fitdoctor.recording.model import Duration, Fit

# All steps are sampled where a step takes this long. A wait for a batch that takes this long is always timed.
LONG_S = 0.002
# The first steps of a fit are all sampled.
SAMPLED_AT_FIRST = 256
# Number of steps that are sampled between two skips.
SAMPLED_STEPS = 8
# Number of steps that are skipped, in turn. They are prime and differ, since scripts do things every so many steps.
SKIPPED_STEPS = (379, 487, 421, 541, 347, 467, 569, 397)
# A skip is this many times as long where the waits for batches are even. A sample costs some 0.1 ms in all, which
# would be near 1 % of steps of 0.2 ms (`docs/overhead.md`).
SKIP_FACTOR = 3


@dataclass(slots=True, eq=False)
class StepSkip:
    """The state of step sampling: what the hooks and the iterators of batches read and write at each step.

    It is one small object, since each memory access at a step costs time: the caches hold the training's data.

    Attributes:
        callback_list: The fit's list of callbacks while steps are skipped, else None. The hooks compare it with the
            list that they are called on.
        steps_left: Number of steps until the skip is finished. The bypass subtracts its steps when it ends.
        ended_s: Time at which the latest step ended.
        waited_s: Time that was waited for batches during this skip, without the waits of `LONG_S` and longer.
        source: The iterator that the loop reads batches from during this skip, where the loop itself reads them.
        untimed_batches: Number of batches that may still be read without a clock during this skip.
        bypass: While it is active, Keras calls its own step hooks.
        expected_batch_s: The expected time of a batch, its share of the step included.
    """

    callback_list: Any = None
    steps_left: int = 0
    ended_s: float = 0.0
    waited_s: float = 0.0
    source: Any = None
    untimed_batches: int = 0
    bypass: HookBypass = field(default_factory=HookBypass)
    expected_batch_s: float = 0.0

    def begin(self, steps: int, untimed_batches: int, now_s: float) -> None:
        """Sets the counters for a skip. It is in force once `callback_list` is set."""
        self.steps_left, self.waited_s, self.ended_s = steps, 0.0, now_s
        self.untimed_batches = untimed_batches

    def end(self) -> None:
        """Ends the skip. The counters keep their values, from which `StepSampler` learns how far it came."""
        self.callback_list = self.source = None
        self.end_bypass(last_ended=True)

    def end_bypass(self, *, last_ended: bool) -> None:
        """Has Keras call our hooks again, and subtracts the steps that have ended: see `HookBypass.end`."""
        if self.bypass.active:
            self.steps_left -= self.bypass.end(last_ended=last_ended)

    def time_all_batches(self) -> None:
        """Times each wait for a batch from here on."""
        self.untimed_batches = 0

    def pause(self) -> Any:
        """Pauses the skip, since a `predict` in a callback's hook has steps of its own. Returns what `resume` takes."""
        callback_list, self.callback_list = self.callback_list, None
        return callback_list

    def resume(self, callback_list: Any) -> None:
        """Goes on as before `pause`."""
        self.callback_list = callback_list


class StepSampler:
    """Decides which steps of one fit are skipped, and adds the skipped steps to its record.

    Args:
        record: The record of the fit.
        step_skip: The state that the hooks read. None if no hook counts skipped steps: all steps are sampled then.

    Attributes:
        enabled: Whether steps may be skipped.
        step_skip: The state.
        callback_list: The list of callbacks that the fit calls.
        batches_per_step: Number of batches in a call of the train function.
        epoch_batches: Number of batches in an epoch, or None if unknown.
        steady_hooks: Durations of hooks that take about the same time at each step. Each key is a function that
            ends the timing of its hook. It is called at the first skip.
        untimed_hooks: Steady hooks whose timing has ended. Their time is estimated from here on.
        waits_are_even: Whether the waits for batches were even during the latest skip, see above.
        sampled_from: The number, within the epoch, of the step at which the latest sampling began.
        long_waits_s: Time of the long waits for batches during this skip.
    """

    def __init__(self, record: Fit, step_skip: StepSkip | None) -> None:
        self._record = record
        self.enabled = step_skip is not None
        self.step_skip = step_skip or StepSkip()
        self.callback_list: Any = None
        self.batches_per_step, self.epoch_batches = record.steps_per_execution, record.steps_per_epoch
        self.steady_hooks: dict[Callable[[], None], Duration] = {}
        self.untimed_hooks: list[Duration] = []
        self.waits_are_even = False
        self.sampled_from = 0
        self.long_waits_s = 0.0
        self._skip_lengths = itertools.cycle(SKIPPED_STEPS)
        self._recorded_before = StepBreakdown()
        self._sampled = StepBreakdown()
        self._planned_steps = self._planned_untimed = 0
        self._skip_began_s = self._hooks_before_s = 0.0

    def sample(self, epoch_steps: int, hooks_s: float) -> None:
        """Samples every step from here on.

        Args:
            epoch_steps: Number of steps of the epoch so far.
            hooks_s: Time of all hooks of the fit so far.
        """
        self.step_skip.end()
        self.step_skip.time_all_batches()
        self.sampled_from = epoch_steps
        if self.enabled:
            self.begin_breakdown(hooks_s)

    def begin_breakdown(self, hooks_s: float) -> None:
        """Begins the breakdown of the sampled steps with the next step."""
        self._recorded_before = StepBreakdown.recorded(self._record, hooks_s)

    def skip(self, epoch_steps: int, now_s: float, hooks_s: float) -> bool:
        """Skips the next steps, unless the fit is new or its steps are long.

        Returns:
            Whether steps are skipped now.
        """
        step = self._record.step
        if step.count < SAMPLED_AT_FIRST or step.total_s >= LONG_S * step.count:
            return False
        while self.steady_hooks:
            restore, hook = self.steady_hooks.popitem()
            self.untimed_hooks.append(hook)
            restore()
        self._sampled = StepBreakdown.recorded(self._record, hooks_s).since(self._recorded_before)
        steps = next(self._skip_lengths) * (SKIP_FACTOR if self.waits_are_even else 1)
        untimed = self._untimed_batches(steps, epoch_steps) if self.waits_are_even else 0
        self._begin_skip(steps, untimed, now_s, hooks_s)
        if untimed and self.epoch_batches:
            self._bypass_hooks(steps, untimed)
        self.step_skip.callback_list = self.callback_list
        return True

    def shorten(self, now_s: float, hooks_s: float) -> None:
        """Times all waits for batches in what is left of the skip, which becomes shorter.

        The latest step was long, and its batch may have been the reason. The caller has added the steps before.
        """
        self._begin_skip(min(self.step_skip.steps_left, SKIPPED_STEPS[0]), 0, now_s, hooks_s)

    def end(self, clock: Callable[[], float], *, last_ended: bool) -> int:
        """Ends the skip, if there is one.

        Args:
            clock: Seconds.
            last_ended: Whether the latest step has ended.

        Returns:
            The number of steps that were skipped and are not yet in the record.
        """
        skip = self.step_skip
        if skip.callback_list is None:
            return 0
        if skip.bypass.active:  # a callback, or an error, has ended the epoch
            skip.end_bypass(last_ended=last_ended)
            skip.ended_s = clock()
        skip.end()
        return self.skipped_steps

    @property
    def skipped_steps(self) -> int:
        """Number of steps that this skip, or the part of it since `shorten`, has skipped so far."""
        return self._planned_steps - self.step_skip.steps_left

    def _begin_skip(self, steps: int, untimed_batches: int, now_s: float, hooks_s: float) -> None:
        self._planned_steps, self._planned_untimed = steps, untimed_batches
        self._skip_began_s, self._hooks_before_s, self.long_waits_s = now_s, hooks_s, 0.0
        self.step_skip.begin(steps, untimed_batches, now_s)

    def _bypass_hooks(self, steps: int, untimed_batches: int) -> None:
        """Bypasses the hooks for all steps but the last.

        The last step of an epoch needs its hooks, since the time after it belongs to no step.
        """
        per_step = self.batches_per_step
        self.step_skip.expected_batch_s = self._sampled.step_s / (self._sampled.steps * per_step)
        self.step_skip.bypass.begin(self.callback_list, min(steps, -(-untimed_batches // per_step)) - 1, per_step)

    def _untimed_batches(self, steps: int, epoch_steps: int) -> int:
        """Number of batches that the next steps read without a clock.

        Only arrays that the train function reads are left untimed: any other input may stall once in a while. There
        are no more batches than the epoch has left, if that is known.
        """
        if self._record.input_drawn != "function" or self._record.input_kind != "arrays":
            return 0
        wanted = steps * self.batches_per_step
        if not self.epoch_batches:
            return wanted
        return min(wanted, max(0, self.epoch_batches - epoch_steps * self.batches_per_step))

    def add_untimed_hooks(self, steps: int) -> float:
        """Adds the estimated time of the untimed hooks in some steps to their records, and returns the seconds."""
        seconds = 0.0
        for hook in self.untimed_hooks:
            hook_s = steps * (hook.total_s - hook.first_s) / max(1, hook.count - 1)
            add_many(hook, steps, hook_s)
            seconds += hook_s
        return seconds

    def add_skipped(self, steps: int, waited_s: float, hooks_s: float) -> tuple[float, float]:
        """Adds skipped steps to the record, split like the sampled ones.

        Args:
            steps: Their number.
            waited_s: Time that was waited for batches, apart from `StepSkip.waited_s`.
            hooks_s: Time of all hooks of the fit so far.

        Returns:
            The seconds of the steps, and those of the hooks in them.
        """
        record, skip = self._record, self.step_skip
        skip_s, hooks_s = skip.ended_s - self._skip_began_s, hooks_s - self._hooks_before_s
        waited_s += skip.waited_s
        if self._planned_untimed > skip.untimed_batches:  # some batches were not timed
            waited_s += self._sampled.estimate_wait_s(skip_s - hooks_s)
            self.waits_are_even = self._sampled.is_usual(steps, skip_s)
        else:
            self.waits_are_even = not self.long_waits_s
        function_s, logs_s = self._sampled.estimate(
            skip_s - hooks_s, waited_s, wait_in_function=record.input_drawn == "function"
        )
        add_many(record.step, steps, skip_s)
        add_many(record.function, steps, function_s)
        add_many(record.logs, steps, logs_s)
        if waited_s:
            self._add_idle(steps, waited_s)
            add_many(record.input_wait, steps, waited_s)
        return skip_s, hooks_s

    def _add_idle(self, steps: int, waited_s: float) -> None:
        """Adds the part of the waits in which the device was idle: all of a long wait, of others as sampled."""
        idle, wait = self._record.input_idle, self._record.input_wait
        if idle.count:
            idle_share = idle.total_s / idle.count / (wait.total_s / wait.count)
            idle_s = idle_share * (waited_s - self.long_waits_s) + self.long_waits_s
            add_many(idle, steps, min(waited_s, idle_s))
