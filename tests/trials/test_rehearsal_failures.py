"""Arms and units that fail, and a state that is not restored."""

from __future__ import annotations

import pytest

from fitdoctor.trials.outcomes import outcomes_of
from tests.support.fake_rehearsal import FakeChild, Try, references, remedy, verdicts

UNITS = ("step", "epoch_end", "validation")


@pytest.mark.parametrize("command", ["verify", "prepare"])
def test_a_remedy_that_fails_leaves_the_others(attempt: Try, child: FakeChild, command: str) -> None:
    child.fails = {(command, "step/prefetch"): "OOM when allocating"}
    child.ratios = {"step/cache": 2.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"))
    failed = next(arm for arm in record.arms if arm.remedy == "prefetch")
    assert failed.failed
    assert failed.why == "Could not be tried: OOM when allocating."
    assert verdicts(record)["step/cache"] == "measured"


def test_an_exact_remedy_with_other_batches_is_not_timed(attempt: Try, child: FakeChild) -> None:
    child.verified = {"step/prefetch": {"batches": "different", "weights": "", "why": "its batches differ"}}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache", safety="numerics"))
    assert child.rounds("step/prefetch") == 0
    assert "step/prefetch" not in child.done("prepare")
    assert verdicts(record)["step/prefetch"] == "refuted"
    assert child.rounds("step/cache") > 0


@pytest.mark.parametrize("command", ["prepare", "windows"])
@pytest.mark.parametrize("broken", UNITS)
def test_an_error_in_one_unit_leaves_the_others(attempt: Try, child: FakeChild, command: str, broken: str) -> None:
    child.fails = {(command, f"{broken}/baseline"): "disk full"}
    child.ratios = {f"{unit}/faster": 2.0 for unit in UNITS}
    record = attempt(*(arm for unit in UNITS for arm in [*references(unit), remedy("faster", unit)]))
    found = verdicts(record)
    assert {unit for unit in UNITS if found[f"{unit}/faster"] == "measured"} == set(UNITS) - {broken}
    (limit,) = record.limits
    assert "disk full" in limit
    assert broken.replace("_", " ") in limit


def test_arms_of_a_broken_baseline_are_failed_and_not_out_of_time(attempt: Try, child: FakeChild) -> None:
    child.fails = {("prepare", "step/baseline"): "disk full"}
    record = attempt(*references("step"), remedy("faster"))
    (outcome,) = [outcome for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]
    assert outcome.verdict == "failed"
    assert "disk full" in outcome.why


def test_an_arm_whose_window_fails_leaves_the_others(attempt: Try, child: FakeChild) -> None:
    child.fails = {("windows", "step/cache"): "ResourceExhaustedError: out of memory"}
    child.ratios = {"step/prefetch": 2.0}
    record = attempt(*references("step"), remedy("cache"), remedy("prefetch"))
    assert verdicts(record)["step/cache"] == "failed"
    assert verdicts(record)["step/prefetch"] == "measured"
    assert record.limits == []


def test_a_state_that_is_not_restored_leaves_later_arms_inconclusive(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/cache": 2.0, "epoch_end/rarer": 3.0, "validation/larger": 3.0}
    child.state_changed["prepare", "epoch_end/rarer"] = "the weights"
    named = (("step", "cache"), ("epoch_end", "rarer"), ("validation", "larger"))
    units = [[*references(unit), remedy(name, unit)] for unit, name in named]
    record = attempt(*[arm for arms in units for arm in arms])
    found = verdicts(record)
    assert found["step/cache"] == "measured"
    assert (found["epoch_end/rarer"], found["validation/larger"]) == ("inconclusive", "inconclusive")
    assert "the weights was not as before" in record.limits[0]
    assert child.rounds("validation/larger") == 0


def test_limits_of_the_child_are_recorded_once(attempt: Try, child: FakeChild) -> None:
    child.limits = ["The input is a Python generator."]
    record = attempt(*references("step"), remedy("cache"))
    assert record.limits == ["The input is a Python generator."]
