"""What may save most in a second of trial comes first."""

from __future__ import annotations

import pytest

from fitdoctor.recording.model import Arm
from fitdoctor.trials.priorities import by_worth, trial_s
from tests.support import builders as make


def arms(unit: str, *causes: str) -> list[Arm]:
    references = [Arm(id=f"{unit}/{role}", role=role, unit=unit) for role in ("baseline", "placebo")]
    return [*references, *(Arm(id=f"{unit}/{cause}", role="remedy", unit=unit, cause=cause) for cause in causes)]


def test_a_cheap_trial_comes_before_an_expensive_one_with_the_same_saving() -> None:
    record = make.fit(step_s=0.002, callbacks=[make.callback(hooks={"on_epoch_end": make.took(5.0, 2)})])
    ordered = by_worth(make.facts(record), 0, [arms("epoch_end", "a"), arms("step", "b")], {"a": 10.0, "b": 10.0})
    assert make.ids(ordered)[:3] == ["step/baseline", "step/placebo", "step/b"]


def test_within_a_unit_the_references_lead_and_the_costliest_cause_follows() -> None:
    ordered = by_worth(make.facts(make.fit()), 0, [arms("step", "small", "large")], {"small": 1.0, "large": 9.0})
    assert make.ids(ordered) == ["step/baseline", "step/placebo", "step/large", "step/small"]


def test_a_unit_without_a_remedy_comes_last() -> None:
    ordered = by_worth(make.facts(make.fit()), 0, [arms("step"), arms("validation", "a"), []], {"a": 1.0})
    assert ordered[0].unit == "validation"


def test_longer_windows_cost_more() -> None:
    facts = make.facts(make.fit(step_s=1.0))
    assert trial_s(facts, "fit", 0, arms("step", "a")) > trial_s(facts, "fit", 0, arms("step")) > 0
    assert trial_s(facts, "fit", 0, []) == 0
    rarer = Arm(id="e", role="remedy", unit="epoch_end", changes=[{"kind": "throttle-hook", "every": 5}])
    busy = make.facts(make.fit(callbacks=[make.callback(hooks={"on_epoch_end": make.took(1.0, 2)})]))
    once = Arm(id="o", role="remedy", unit="epoch_end")
    assert trial_s(busy, "fit", 0, [rarer]) == pytest.approx(5 * (trial_s(busy, "fit", 0, [once]) - 1.5) + 1.5)
