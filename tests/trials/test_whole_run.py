"""The measurement of a prescription as a whole, and what the report makes of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from fitdoctor.analysis import build
from fitdoctor.errors import ChildEndedError
from fitdoctor.recording.model import Arm, Rehearsal, Run
from fitdoctor.report.model import Prescription
from fitdoctor.trials.outcomes import all_outcomes
from fitdoctor.trials.whole_run import MOST_ROUNDS, WholeTrial, plan_whole
from tests.support import builders as make
from tests.support.diagnosed_runs import SLOW_INPUT, diagnosed, pipeline_fit


class Child:
    """Answers as a child at the fit does; the prescription is twice as fast."""

    def __init__(self, *, error: str = "", reached: bool = True) -> None:
        self.began_s, self.at, self.error, self.reached = 0.0, "", error, reached
        self.orders: list[list[str]] = []
        self._windows: Counter[str] = Counter()

    def receive(self, timeout_s: float) -> dict[str, Any]:
        return {"reached": True} if self.reached else {"ended": "finished"}

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        if command["do"] == "prepare":
            assert command["arm"]["epoch_steps"]
            return {"error": self.error} if self.error else {"one_off_s": 0.0, "unit_s": 1.0}
        self.orders.append([arm["id"] for arm in command["arms"]])
        return {"windows": [self._window(arm["role"]) for arm in command["arms"]]}

    def _window(self, role: str) -> dict[str, Any]:
        self._windows[role] += 1
        jitter = 1 + 0.01 * (-1) ** (self._windows[role] + len(role))
        return {"seconds": (1.0 if role == "baseline" else 0.5) * jitter, "units": 1, "queue_s": 0.0}


@pytest.fixture
def run() -> Run:
    """A fit with two things that help: one at its steps, one at the end of its epochs."""
    record = pipeline_fit(callbacks=[make.callback(hooks={"on_epoch_end": make.took(1.0, 2)})])
    return diagnosed(make.run(record), {**SLOW_INPUT, "epoch_end/rarer-callback-every-5-epochs": 5.0})


def prescription_of(run: Run) -> Prescription:
    found = build(run).prescription
    assert found is not None
    return found


def planned(run: Run) -> Rehearsal:
    facts = make.facts(*(run.scout.fits if run.scout else ()))
    each = plan_whole(facts, all_outcomes(run), prescription_of(run))
    assert each is not None
    return Rehearsal(target="fit", index=each.index, arms=[replace(arm) for arm in each.arms])


def test_the_whole_has_all_changes_of_the_fit(run: Run) -> None:
    baseline, arm = planned(run).arms
    treated = [change for treatment in prescription_of(run).treatments for change in treatment.changes]
    assert baseline.changes == []
    assert arm.changes == treated
    assert baseline.parts == arm.parts
    assert "step" in arm.parts
    assert "epoch_end" in arm.parts


def test_without_a_prescription_nothing_is_planned(run: Run) -> None:
    assert plan_whole(make.facts(make.fit()), all_outcomes(run), None) is None


def tried(run: Run, child: Child, seconds: float = 1e9) -> Rehearsal:
    record = planned(run)
    facts = make.facts(*(run.scout.fits if run.scout else ()))
    WholeTrial(child, record, facts, deadline_s=time.monotonic() + seconds, on_progress=lambda _: None).run()
    return record


def test_windows_come_in_the_order_abba(run: Run) -> None:
    child = Child()
    tried(run, child)
    there = ["whole/baseline", "whole/prescription"]
    assert child.orders == [there, there[::-1]] * (MOST_ROUNDS // 2)


def test_without_time_one_round_is_measured(run: Run) -> None:
    child = Child()
    tried(run, child, seconds=0.0)
    assert len(child.orders) == 1


def test_the_measurement_of_the_whole_replaces_the_projection(run: Run) -> None:
    before = prescription_of(run)
    assert not before.measured_together
    run.rehearsals.append(tried(run, Child()))
    after = prescription_of(run)
    assert after.measured_together
    assert after.measured_in == "fresh process"
    assert after.remedies == before.remedies
    assert after.speedup.mid != before.speedup.mid
    assert after.projected is not None
    assert after.projected.low < after.projected.mid < after.projected.high
    assert after.projected.mid == pytest.approx(after.projected_s)


def test_parts_that_give_less_together_are_reported(run: Run) -> None:
    run.rehearsals.append(tried(run, Child()))
    assert "Expected from each on its own" in prescription_of(run).interaction


def test_the_projection_stays_where_the_whole_could_not_be_prepared(run: Run) -> None:
    before = prescription_of(run)
    run.rehearsals.append(tried(run, Child(error="how many steps an epoch has is not known")))
    assert prescription_of(run) == before


def test_a_whole_in_doubt_does_not_count(run: Run) -> None:
    before = prescription_of(run)
    record = tried(run, Child())
    record.arms[-1].doubt = "Not concluded."
    run.rehearsals.append(record)
    assert prescription_of(run) == before


def test_a_script_that_ends_before_the_fit_is_an_error(run: Run) -> None:
    with pytest.raises(ChildEndedError):
        tried(run, Child(reached=False))


def test_an_input_that_continues_between_epochs_is_not_measured_from_a_fresh_iterator(run: Run) -> None:
    facts = make.facts(*(run.scout.fits if run.scout else ()))
    prescription = prescription_of(run)
    outcomes = [
        replace(outcome, arm=_going_on(outcome.arm)) if outcome.arm.unit == "step" and outcome.helps else outcome
        for outcome in all_outcomes(run)
    ]
    treatments = tuple(
        replace(each, changes=tuple(outcome.arm.changes))
        for each, outcome in zip(
            prescription.treatments[:1], [o for o in outcomes if o.helps and o.arm.unit == "step"], strict=False
        )
    )
    assert plan_whole(facts, outcomes, replace(prescription, treatments=treatments)) is None


def _going_on(arm: Arm) -> Arm:
    place = {"file": make.SCRIPT, "line": 1, "position": 1}
    return replace(arm, changes=[{"kind": "insert-call", "place": place, "call": "repeat", "arguments": {}}])
