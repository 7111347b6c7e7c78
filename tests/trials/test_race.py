"""The parent's side of a race, with a fake child whose models learn along known curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp
from types import SimpleNamespace
from typing import Any

import pytest

from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.trials import race
from fitdoctor.trials.outcomes import Outcome, outcomes_of
from fitdoctor.trials.race import RaceTrial
from fitdoctor.trials.race_outcome import DECISION_RACES
from tests.support import builders as make
from tests.support.clocks import FakeClock

STEP_S = 0.001
SCORE_S = 0.01


def racer(name: str = "scaled", remedy: str = "", *, batch_size: int = 0) -> Arm:
    changes = [{"kind": "set-argument", "argument": "batch_size", "value": batch_size}] if batch_size else []
    return Arm(
        id=f"race/{name}",
        role="remedy",
        unit="race",
        remedy=remedy or name,
        label=name,
        safety="semantics",
        changes=changes,
    )


@dataclass
class FakeChild:
    """Answers as a child does.

    Attributes:
        speeds: How fast a racer learns by the step, as a multiple.
        costs: What a step costs, as a multiple.
    """

    clock: FakeClock
    speeds: dict[str, float] = field(default_factory=dict)
    costs: dict[str, float] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    prepared: dict[str, Any] = field(default_factory=dict)
    began_s: float = 0.0
    starts: list[tuple[str, int]] = field(default_factory=list)
    steps: int = 0
    slow_from: int = 1000

    def receive(self, timeout_s: float) -> dict[str, Any]:
        raise AssertionError

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert timeout_s > 0
        if command["do"] == "race_prepare":
            assert 0 < command["seconds"] < timeout_s
            self.clock.pass_(5.0)
            arms = {arm["id"]: self._told(arm["id"]) for arm in command["arms"]}
            told = {"arms": arms, "judged_on": "validation data", "rows": 512, "score_s": SCORE_S, "varied": "order"}
            return {**told, **self.prepared}
        self.clock.pass_(SCORE_S)
        if command["do"] == "race_add":
            return self._told(command["arm"]["id"])
        arm = command["arm"]
        if command["do"] == "race_start":
            self.starts.append((arm, command["repetition"]))
            self.steps = 0
            return {"score": self._score(arm)}
        seconds = command["steps"] * STEP_S * self.costs.get(arm, 1.0)
        self.clock.pass_(seconds * (3 if len(self.starts) > self.slow_from else 1))
        self.steps += command["steps"]
        return {"score": self._score(arm), "seconds": seconds, "steps": command["steps"]}

    def _told(self, arm: str) -> dict[str, Any]:
        return {"why": self.errors[arm]} if arm in self.errors else {"step_s": STEP_S * self.costs.get(arm, 1.0)}

    def _score(self, arm: str) -> float:
        jitter = 1 + 0.002 * (-1) ** (self.steps + len(self.starts))
        return (1 + 9 * exp(-self.steps * self.speeds.get(arm, 1.0) / 500)) * jitter


Run = Callable[..., dict[str, Outcome]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock(1000.0)
    monkeypatch.setattr(race, "time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def child(clock: FakeClock) -> FakeChild:
    return FakeChild(clock)


@pytest.fixture
def run(clock: FakeClock, child: FakeChild) -> Run:
    def raced(*racers: Arm, budget_s: float = 60.0) -> dict[str, Outcome]:
        record = Rehearsal(arms=[Arm(id="race/baseline", role="baseline", unit="race"), *racers])
        facts = make.facts(make.fit(step_s=STEP_S, epochs=50, steps=100))
        RaceTrial(child, record, facts, deadline_s=clock() + budget_s, on_progress=lambda text: None).run()
        return {outcome.arm.id.removeprefix("race/"): outcome for outcome in outcomes_of(record)}

    return raced


def test_a_racer_that_learns_faster_wins(run: Run, child: FakeChild) -> None:
    child.speeds = {"race/scaled": 5.0}
    outcome = run(racer())["scaled"]
    assert outcome.verdict == "measured"
    assert outcome.comparison.mid == pytest.approx(5, rel=0.2)
    assert outcome.finish is not None
    assert outcome.finish.reached == outcome.comparison.n >= DECISION_RACES[0]


def test_an_equal_racer_does_not_win(run: Run) -> None:
    assert run(racer())["scaled"].verdict == "refuted"


def test_a_slower_racer_is_given_up_early(run: Run, child: FakeChild) -> None:
    child.speeds = {"race/scaled": 0.2}
    outcome = run(racer())["scaled"]
    assert outcome.verdict == "refuted"
    assert outcome.comparison.n < DECISION_RACES[0]


def test_runs_of_a_repetition_follow_the_baseline(run: Run, child: FakeChild) -> None:
    child.speeds = {"race/scaled": 3.0}
    run(racer())
    assert child.starts[:4] == [("race/baseline", 0), ("race/scaled", 0), ("race/baseline", 1), ("race/scaled", 1)]


def test_only_the_best_racer_of_a_remedy_races_after_the_heat(run: Run, child: FakeChild) -> None:
    child.speeds = {"race/larger-64": 2.0, "race/larger-256": 3.0}
    outcomes = run(racer("larger-64", "larger"), racer("larger-256", "larger"), racer())
    assert outcomes["larger-64"].verdict == "refuted"
    assert "in the heat" in outcomes["larger-64"].why
    assert outcomes["larger-256"].verdict == "measured"
    assert outcomes["scaled"].verdict == "refuted"
    assert {number for arm, number in child.starts if arm == "race/larger-64"} == {0}


def test_a_batch_that_gives_no_more_samples_a_second_is_not_raced(run: Run, child: FakeChild) -> None:
    child.costs = {"race/larger": 3.8}
    outcome = run(racer("larger", batch_size=128))["larger"]
    assert outcome.verdict == "refuted"
    assert "1.05× as many samples a second" in outcome.why
    assert child.starts == []


@pytest.mark.parametrize("budget_s", [20.0, 60.0])
def test_a_race_exceeds_its_budget_by_a_lap_at_most(
    run: Run, child: FakeChild, clock: FakeClock, budget_s: float
) -> None:
    began_s = clock()
    run(racer(), racer("other"), budget_s=budget_s)
    assert clock() - began_s < budget_s + 2


def test_there_is_time_for_enough_repetitions_where_racers_are_slower_than_in_the_heat(
    run: Run, child: FakeChild
) -> None:
    child.speeds, child.slow_from = {"race/scaled": 1.2}, 2
    outcome = run(racer(), racer("other"))["scaled"]
    assert outcome.comparison.n >= DECISION_RACES[0]


def test_a_budget_that_is_too_short_for_races_is_reported(run: Run, child: FakeChild) -> None:
    outcome = run(racer(), budget_s=5.05)["scaled"]
    assert outcome.verdict == "failed"
    assert "has room for" in outcome.why


def test_a_fit_that_can_not_be_raced_says_why(run: Run, child: FakeChild) -> None:
    child.prepared = {"error": "its input is a Python generator, which can't begin anew"}
    outcome = run(racer())["scaled"]
    assert outcome.verdict == "failed"
    assert outcome.why == "Could not be tried: its input is a Python generator, which can't begin anew."


def test_a_racer_that_can_not_be_built_leaves_the_others(run: Run, child: FakeChild) -> None:
    child.errors, child.speeds = {"race/other": "the model takes uint8"}, {"race/scaled": 4.0}
    outcomes = run(racer(), racer("other"))
    assert outcomes["other"].verdict == "failed"
    assert outcomes["scaled"].verdict == "measured"


def scaled_batch() -> Arm:
    arm = racer("larger", batch_size=128)
    arm.changes.append({"kind": "set-argument", "argument": "learning_rate", "value": 0.002})
    return arm


ALONE = "race/raise-learning-rate-0.002"


def test_the_gain_of_the_learning_rate_alone_is_not_credited_to_the_batch(run: Run, child: FakeChild) -> None:
    child.speeds = {"race/larger": 5.0, ALONE: 5.0}
    outcomes = run(scaled_batch())
    assert outcomes["larger"].verdict == "refuted"
    assert "the batch size is not the reason" in outcomes["larger"].why
    assert outcomes["raise-learning-rate-0.002"].verdict == "measured"


def test_a_batch_that_gives_more_than_its_learning_rate_stays_measured(run: Run, child: FakeChild) -> None:
    child.speeds = {"race/larger": 5.0, ALONE: 1.0}
    outcomes = run(scaled_batch())
    assert outcomes["larger"].verdict == "measured"
    assert outcomes["raise-learning-rate-0.002"].verdict == "refuted"


def test_the_learning_rate_of_a_batch_that_lost_is_not_raced_alone(run: Run, child: FakeChild) -> None:
    assert "raise-learning-rate-0.002" not in run(scaled_batch())
    assert ALONE not in {arm for arm, _ in child.starts}
