"""The stages of a diagnosis, with a runner that runs nothing."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from fitdoctor.diagnosis.driver import TrialPlace, new_rehearsal, run_stages
from fitdoctor.diagnosis.time_budget import TimeBudget
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Rehearsal, Site
from fitdoctor.trials.plan import RehearsalPlan
from fitdoctor.trials.timeline import Stages
from tests.causes import test_predict_in_a_loop


class Silent:
    def __init__(self, calls: list[str]) -> None:
        self._calls = calls

    def stage(self, text: str) -> None:
        self._calls.append(text)

    def first_answer(self, report: Any) -> None:
        self._calls.append(f"report: {report.stage}")


class RecordedRunner:
    """Records the calls of the driver. Its scout is that of a script that calls `predict` in a loop."""

    budget_option = "--budget"

    def __init__(self, *, budget_s: float) -> None:
        began_s = time.monotonic()
        self.calls: list[str] = []
        self.data = test_predict_in_a_loop.bad().run
        self.data.budget_s = budget_s
        self.progress: Any = Silent(self.calls)
        self.budget = TimeBudget(self.data, race_budget_s=0.0, began_s=began_s)
        self.timeline = Stages(self.data.stages, began_s=began_s)
        self.current_stage = "scout"

    def scout(self) -> None:
        self.calls.append("scout")

    def save(self) -> None:
        self.calls.append("save")

    def startup_s(self, target: RehearsalPlan, facts: Facts) -> float:
        return 1.0

    def rehearse(self, place: TrialPlace) -> None:
        self.calls.append(f"rehearse {place.target['kind']}")

    def compare_environments(self, comparison: RehearsalPlan, facts: Facts) -> None:
        self.calls.append("compare")

    def measure_together(self, facts: Facts) -> None:
        self.calls.append("together")

    def progress_at(
        self, site: Site, record: Rehearsal | None = None, *, extra_s: float = 0.0
    ) -> Callable[[str], None]:
        return self.calls.append


def test_the_stages_run_in_order_and_each_is_saved() -> None:
    runner = RecordedRunner(budget_s=1000.0)
    run_stages(runner)
    assert runner.calls[:3] == ["scout", "save", "report: first answer"]
    assert runner.calls[3].startswith("going to ")
    assert runner.calls[4:6] == ["rehearse loop", "save"]
    assert runner.calls[-1] == "together"
    assert [stage.name for stage in runner.data.stages] == ["scout", "first answer"]
    assert runner.current_stage == "trials"


def test_without_time_a_limit_names_the_option_and_nothing_is_rehearsed() -> None:
    runner = RecordedRunner(budget_s=2.0)
    run_stages(runner)
    assert not [call for call in runner.calls if call.startswith("rehearse")]
    assert any("pass a larger --budget than 2." in limit for limit in runner.data.limits)


@pytest.mark.parametrize("raced_s", [0.0, 3.0])
def test_races_have_a_budget_of_their_own(raced_s: float) -> None:
    budget = TimeBudget(RecordedRunner(budget_s=100.0).data, race_budget_s=2.0, began_s=time.monotonic())
    left_s = budget.left_s()
    budget.spend_on_races(raced_s)
    assert budget.left_s() == pytest.approx(left_s + raced_s, abs=0.5)
    assert budget.race_left_s == max(0.0, 2.0 - raced_s)


def test_arms_of_a_rehearsal_are_copies_of_the_planned_ones() -> None:
    from fitdoctor.trials.plan import plan

    (planned, *_) = plan(test_predict_in_a_loop.bad())
    record = new_rehearsal(planned)
    record.arms[-1].why = "written by a trial"
    assert planned.arms[-1].why == ""
