"""Compares two environments: short children of both alternate, and each is one sample."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Protocol

from fitdoctor.errors import ChildEndedError
from fitdoctor.process.memory_watch import MemoryWatch
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Arm, ProcessRun, Rehearsal
from fitdoctor.recording.trial_protocol import Failed, MeasureProcess
from fitdoctor.trials.executor import (
    Answering,
    Arriving,
    ProgressCallback,
    carry_out,
    failure,
    patience_s,
    wait_until_reached,
)
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.process_statistics import DECISION_PAIRS, compare_weights
from fitdoctor.trials.statistics import hopeless

# Timed stretches of each child.
STRETCHES = 3
# What they and the untimed one take, with what is built before and ended after them. A first step comes on top.
MEASURING_S = 7.0
# A child that takes so many times as long as expected hangs.
HANGS = 4.0


class Process(Arriving, Answering, Protocol):
    """A child on its way to the fit, or at it."""

    began_s: float
    memory: MemoryWatch


class EnvironmentTrial:
    """Runs pairs of children until a verdict is reached or the time is up.

    Two processes of one script differ by several percent in any environment. So a pair gives one ratio, the children of
    a pair run one after another, and the first one changes from pair to pair.

    Args:
        record: With two arms of the unit "process": the baseline, and the one that needs another environment.
        start: Starts a child with some changes of its environment.
        end: Ends the child, in any state.
        child_s: What one child is expected to take, its start included.
        deadline_s: `time.monotonic()` at which the last child must have ended.
        on_progress: Called with what is being tried.
    """

    def __init__(
        self,
        record: Rehearsal,
        *,
        start: Callable[[list[dict[str, Any]]], Process],
        end: Callable[[], None],
        child_s: float,
        deadline_s: float,
        on_progress: ProgressCallback,
    ) -> None:
        self._record, self._start, self._end, self._on_progress = record, start, end, on_progress
        self._child_s, self._deadline_s = child_s, deadline_s
        self._baseline, self._arm = record.arms
        self._order = 0

    def run(self) -> None:
        """Fills the record."""
        try:
            self._until_decided()
        except ChildEndedError as error:
            if self._deadline_s > time.monotonic():
                self._arm.failed, self._arm.why = True, failure(str(error))
        self._conclude()

    def _until_decided(self) -> None:
        pairs = 0
        for decision in DECISION_PAIRS:
            while pairs < decision:
                if self._deadline_s - time.monotonic() < 2 * self._child_s:
                    return
                self._run_pair(pairs)
                pairs += 1
                if hopeless(outcomes_of(self._record)[0].comparison):
                    self._arm.dropped = True
                    return
            if outcomes_of(self._record)[0].verdict != "inconclusive":
                return

    def _run_pair(self, number: int) -> None:
        began_s = time.monotonic()
        order = [self._baseline, self._arm] if number % 2 == 0 else [self._arm, self._baseline]
        for arm in order:
            self._on_progress(f"{self._arm.label}, process {2 * number + order.index(arm) + 1}")
            self._run_process(arm, number)
        self._child_s = (time.monotonic() - began_s) / 2

    def _run_process(self, arm: Arm, pair: int) -> None:
        child = self._start(arm.changes)
        run = ProcessRun(arm=arm.id, pair=pair)
        self._record.processes.append(run)
        try:
            wait_until_reached(child, self._patience_s())
            run.startup_s = time.monotonic() - child.began_s
            reply = carry_out(child, MeasureProcess(stretches=STRETCHES), self._patience_s())
            if isinstance(reply, Failed):
                raise ChildEndedError(headline(reply.error).rstrip("."))
        finally:
            run.peak_rss_bytes = child.memory.peak_bytes
            self._end()
        run.weights = reply.weights
        for window in reply.windows:
            self._record.windows.append(window.recorded(arm.id, round_number=pair, order=self._order))
            self._order += 1

    def _patience_s(self) -> float:
        return patience_s(HANGS * self._child_s, self._deadline_s - time.monotonic())

    def _conclude(self) -> None:
        plain = [run for run in self._record.processes if run.arm == self._baseline.id and run.startup_s]
        changed = [run for run in self._record.processes if run.arm == self._arm.id and run.startup_s]
        self._record.peak_rss_bytes = max((run.peak_rss_bytes for run in self._record.processes), default=0)
        if not plain or not changed:
            return
        self._record.startup_s = median(run.startup_s for run in plain)
        if not self._arm.failed:
            self._arm.weights, self._arm.why = compare_weights(plain, changed)
        self._arm.one_off_s = max(0.0, median(run.startup_s for run in changed) - self._record.startup_s)
