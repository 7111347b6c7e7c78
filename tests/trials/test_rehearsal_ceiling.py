"""Ceilings: what they rule out, and when."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.recording.model import Arm
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.statistics import DECISION_ROUNDS
from tests.support.fake_rehearsal import FakeChild, Try, ceiling, references, remedy, verdicts


def test_a_low_ceiling_prunes_the_remedies_of_the_input(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/input-free": 1.02, "step/larger-execution": 2.0}
    other = remedy("larger-execution", cause="dispatch-bound-steps")
    record = attempt(*references("step"), ceiling(), remedy("prefetch"), other)
    assert "step/prefetch" not in child.done("verify") + child.done("prepare")
    pruned = next(arm for arm in record.arms if arm.remedy == "prefetch")
    assert pruned.dropped
    assert "1.02×" in pruned.why
    assert verdicts(record)["step/larger-execution"] == "measured"


def test_a_ceiling_alone_is_measured(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/input-free": 4.0}
    record = attempt(*references("step"), ceiling())
    assert child.rounds("step/input-free") >= DECISION_ROUNDS[0]
    assert outcomes_of(record)[-1].comparison.mid == pytest.approx(4.0, rel=0.05)


def test_a_ceiling_that_fails_prunes_nothing(attempt: Try, child: FakeChild) -> None:
    child.fails = {("prepare", "step/input-free"): "no batches"}
    child.ratios = {"step/prefetch": 2.0}
    record = attempt(*references("step"), ceiling(), remedy("prefetch"))
    assert verdicts(record)["step/input-free"] == "failed"
    assert verdicts(record)["step/prefetch"] == "measured"
    assert child.rounds("step/input-free") == 0


def test_a_noisy_ceiling_prunes_nothing(attempt: Try, child: FakeChild, monkeypatch: pytest.MonkeyPatch) -> None:
    window = child._window

    def noisy(arm: str) -> dict[str, Any]:
        told = window(arm)
        told["seconds"] *= 2.5 if arm == "step/input-free" and child.rounds(arm) % 4 == 0 else 1.0
        return told

    child.ratios = {"step/input-free": 1.3, "step/prefetch": 1.3}
    monkeypatch.setattr(child, "_window", noisy)
    record = attempt(*references("step"), ceiling(), remedy("prefetch"))
    assert verdicts(record)["step/prefetch"] == "measured"


def test_a_slow_ceiling_leaves_time_for_arms_that_it_cannot_rule_out(attempt: Try, child: FakeChild) -> None:
    child.window_s, child.ratios = 1.0, {"step/fewer": 4.0}
    other = Arm(
        id="step/fewer", role="remedy", unit="step", remedy="fewer-metrics", cause="costly-metrics", safety="exact"
    )
    attempt(*references("step"), ceiling(), other, budget_s=20.0)
    assert child.rounds("step/fewer") >= 2


def test_a_ceiling_comes_before_a_unit_that_may_save_more(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/input-free": 3.0}
    attempt(*references("validation"), remedy("larger", "validation"), *references("step"), ceiling(), remedy("cache"))
    order = [arms[0] for what, arms in child.asked if what == "prepare"]
    assert order.index("step/input-free") < order.index("validation/baseline") < order.index("step/cache")
    assert order.count("step/baseline") == 1
