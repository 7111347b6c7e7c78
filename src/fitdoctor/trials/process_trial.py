"""Compares two environments: short children of both in turns, each a sample of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median
from typing import Any, Protocol

from fitdoctor.errors import ChildEndedError
from fitdoctor.process.memory_watch import MemoryWatch
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.model import Arm, ProcessRun, Rehearsal, Window
from fitdoctor.trials.executor import failure, patience_s, wait_until_reached
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.process_statistics import LOOKS, compared
from fitdoctor.trials.statistics import hopeless

STRETCHES = 3
#: What those and the untimed one take, with what is built before and ended after them; a first step comes on top.
MEASURING_S = 7.0
#: A child that takes so many times as long as was expected hangs.
HANGS = 4.0


class Process(Protocol):
    """A child that stands at the fit."""

    began_s: float
    memory: MemoryWatch

    def receive(self, timeout_s: float) -> dict[str, Any]: ...

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]: ...


class EnvironmentTrial:
    """Runs pairs of children until it is decided or the time is up.

    Two processes of one script differ by several percent, whatever they run in. So a pair gives one ratio, neighbours
    in time make a pair, and the one that comes first changes from pair to pair.

    Args:
        record: With two arms of the unit "process": the baseline, and the one that needs another environment.
        start: Starts a child with some changes of its environment, on its way to the fit.
        end: Ends it, whatever state it is in.
        child_s: What one child is expected to take, its start included.
        deadline_s: `time.monotonic()` at which the last one must have ended.
        tell: Called with what is being tried.
    """

    def __init__(
        self,
        record: Rehearsal,
        *,
        start: Callable[[list[dict[str, Any]]], Process],
        end: Callable[[], None],
        child_s: float,
        deadline_s: float,
        tell: Callable[[str], None],
    ) -> None:
        self._record, self._start, self._end, self._tell = record, start, end, tell
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
        for look in LOOKS:
            while pairs < look:
                if self._deadline_s - time.monotonic() < 2 * self._child_s:
                    return
                self._pair(pairs)
                pairs += 1
                if hopeless(outcomes_of(self._record)[0].comparison):
                    self._arm.dropped = True
                    return
            if outcomes_of(self._record)[0].verdict != "inconclusive":
                return

    def _pair(self, number: int) -> None:
        began_s = time.monotonic()
        order = [self._baseline, self._arm] if number % 2 == 0 else [self._arm, self._baseline]
        for arm in order:
            self._tell(f"{self._arm.label}, process {2 * number + order.index(arm) + 1}")
            self._process(arm, number)
        self._child_s = (time.monotonic() - began_s) / 2

    def _process(self, arm: Arm, pair: int) -> None:
        child = self._start(arm.changes)
        run = ProcessRun(arm=arm.id, pair=pair)
        self._record.processes.append(run)
        try:
            wait_until_reached(child, self._patience_s())
            run.startup_s = time.monotonic() - child.began_s
            reply = child.ask({"do": "process", "stretches": STRETCHES}, self._patience_s())
            if "error" in reply:
                raise ChildEndedError(headline(reply["error"]).rstrip("."))
        finally:
            run.peak_rss_bytes = child.memory.peak_bytes
            self._end()
        run.weights = reply["weights"]
        for window in reply["windows"]:
            self._record.windows.append(Window(arm=arm.id, round=pair, order=self._order, **window))
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
            self._arm.weights, self._arm.why = compared(plain, changed)
        self._arm.one_off_s = max(0.0, median(run.startup_s for run in changed) - self._record.startup_s)
