"""Pairs of children in two environments, with fake children."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fitdoctor.errors import ChildEndedError
from fitdoctor.process.memory_watch import MemoryWatch
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.trials import process_trial
from fitdoctor.trials.outcomes import Outcome, outcomes_of
from fitdoctor.trials.process_trial import EnvironmentTrial, Process
from tests.support.clocks import FakeClock

CHANGE = {
    "kind": "set-environment",
    "place": {"file": "train.py", "line": 0, "position": -1},
    "name": "OMP_NUM_THREADS",
    "value": None,
}
WEIGHTS = {"start": "a", "end": "b", "shadows": [1.0], "lengths": [1.0]}


@dataclass
class FakeProcess:
    lab: Lab
    changed: bool
    began_s: float
    memory: MemoryWatch = field(default_factory=lambda: cast(MemoryWatch, SimpleNamespace(peak_bytes=7)))

    def receive(self, timeout_s: float) -> dict[str, Any]:
        assert timeout_s > 0
        self.lab.clock.pass_(self.lab.startup_s)
        return {"reached": True}

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert timeout_s > 0
        self.lab.clock.pass_(5.0)
        if self.lab.fails == self.changed:
            raise ChildEndedError("it was killed by SIGSEGV")
        step_s = 0.02 / (self.lab.ratio if self.changed else 1.0) * (1 + 0.01 * (len(self.lab.started) % 3))
        windows = [{"seconds": step_s * 50, "units": 50, "queue_s": 0.0}] * command["stretches"]
        return {"windows": windows, "weights": WEIGHTS}


@dataclass
class Lab:
    clock: FakeClock
    ratio: float = 1.0
    startup_s: float = 5.0
    fails: bool | None = None
    started: list[bool] = field(default_factory=list)
    ended: int = 0

    def start(self, changes: list[dict[str, Any]]) -> Process:
        assert self.ended == len(self.started), "one child at a time"
        self.started.append(bool(changes))
        return FakeProcess(self, bool(changes), self.clock())

    def end(self) -> None:
        self.ended += 1

    def run(self, budget_s: float = 500.0) -> tuple[Outcome, Rehearsal]:
        arms = [
            Arm(id="process/baseline", role="baseline", unit="process"),
            Arm(id="process/threads", role="remedy", unit="process", safety="numerics", changes=[CHANGE]),
        ]
        record = Rehearsal(arms=arms)
        deadline_s = self.clock() + budget_s
        trial = EnvironmentTrial(
            record, start=self.start, end=self.end, child_s=10.0, deadline_s=deadline_s, on_progress=lambda _: None
        )
        trial.run()
        assert self.clock() <= deadline_s
        assert self.ended == len(self.started)
        return outcomes_of(record)[0], record


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    clock = FakeClock(1000.0)
    monkeypatch.setattr(process_trial, "time", SimpleNamespace(monotonic=clock))
    return Lab(clock)


def test_the_first_child_of_a_pair_alternates(lab: Lab) -> None:
    lab.ratio = 2.0
    outcome, record = lab.run()
    assert lab.started == [False, True, True, False, False, True]
    assert outcome.verdict == "measured"
    assert outcome.arm.weights == "same"
    assert (record.startup_s, record.peak_rss_bytes) == (5.0, 7)


def test_an_environment_that_does_not_help_is_refuted_after_three_pairs(lab: Lab) -> None:
    outcome, _ = lab.run()
    assert (outcome.verdict, outcome.comparison.n) == ("refuted", 3)


def test_a_much_slower_environment_is_given_up_after_two_pairs(lab: Lab) -> None:
    lab.ratio = 0.5
    outcome, _ = lab.run()
    assert (outcome.verdict, outcome.comparison.n) == ("refuted", 2)


def test_the_budget_is_kept(lab: Lab) -> None:
    lab.ratio = 2.0
    outcome, _ = lab.run(budget_s=50.0)
    assert (outcome.verdict, outcome.comparison.n) == ("inconclusive", 2)
    assert "a larger --budget" in outcome.why


@pytest.mark.parametrize("changed", [True, False])
def test_a_child_that_ends_fails_the_arm(lab: Lab, changed: bool) -> None:
    lab.fails = changed
    outcome, _ = lab.run()
    assert (outcome.verdict, outcome.why) == ("failed", "Could not be tried: it was killed by SIGSEGV.")
