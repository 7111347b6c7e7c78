"""Arms that help: measured together, and confirmed in stretches."""

from __future__ import annotations

import pytest

from fitdoctor.trials import rehearsal
from fitdoctor.trials.outcomes import outcomes_of
from tests.support.fake_rehearsal import FakeChild, Try, ceiling, references, remedy, verdicts


def test_arms_that_help_are_measured_together(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 2.0, "step/larger": 1.5, "step/prescription": 2.9}
    record = attempt(*references("step"), remedy("prefetch"), remedy("larger"), remedy("nothing"))
    together = next(arm for arm in record.arms if arm.role == "prescription")
    assert (together.id, together.role, together.remedy) == ("step/prescription", "prescription", "prefetch + larger")
    assert together.id in child.done("verify")
    assert verdicts(record)["step/prescription"] == "measured"
    rounds = {window.round for window in record.windows if window.arm == together.id}
    assert rounds <= {window.round for window in record.windows if window.arm == "step/baseline"}


def test_a_single_arm_that_helps_is_not_combined(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 2.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("nothing"))
    assert "step/prescription" not in {arm.id for arm in record.arms}


def test_the_best_arm_of_a_step_is_confirmed_in_continuous_stretches(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 4.0, "step/cache": 1.5, "stretch/prefetch": 2.0}
    record = attempt(*references("step"), remedy("prefetch"))
    windows = [sorted(arms) for command, arms in child.confirming if command == "windows"]
    assert windows == [["stretch/baseline", "stretch/placebo", "stretch/prefetch"]] * rehearsal.STRETCH_ROUNDS
    best = next(outcome for outcome in outcomes_of(record) if outcome.arm.id == "step/prefetch")
    assert best.comparison.mid == pytest.approx(2.0, rel=0.05)


def test_no_stretches_are_measured_where_nothing_helped(attempt: Try, child: FakeChild) -> None:
    attempt(*references("step"), ceiling(), remedy("prefetch"))
    assert child.confirming == []
