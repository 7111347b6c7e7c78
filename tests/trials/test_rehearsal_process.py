"""The process of a rehearsal: its arrival, its end, and the process after it."""

from __future__ import annotations

import pytest

from fitdoctor.process.child import ChildEndedError
from fitdoctor.recording.model import ModelInspection, Rehearsal
from fitdoctor.trials.model_inspection import UNANSWERED
from fitdoctor.trials.outcomes import outcomes_of
from tests.support.clocks import FakeClock
from tests.support.fake_rehearsal import FakeChild, ceiling, references, remedy, started, verdicts


def test_windows_stay_in_the_record_when_the_child_ends(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("prepare", "validation/baseline"): "ended"}
    child.ratios = {"step/faster": 2.0}
    record = Rehearsal(
        arms=[*references("step"), remedy("faster"), *references("validation"), remedy("faster", "validation")]
    )
    with pytest.raises(ChildEndedError, match="SIGKILL"):
        started(child, record, clock).try_fit()
    assert verdicts(record)["step/faster"] == "measured"


@pytest.mark.parametrize("command", ["verify", "prepare", "windows"])
def test_a_new_child_tries_the_other_arms_without_the_blamed_one(
    clock: FakeClock, child: FakeChild, command: str
) -> None:
    child.fails = {(command, "step/prefetch"): "ended"}
    child.ratios = {"step/input-free": 3.0, "step/cache": 2.0, "validation/faster": 2.0}
    arms = [
        *references("step"),
        ceiling(),
        remedy("prefetch"),
        remedy("cache"),
        *references("validation"),
        remedy("faster", "validation"),
    ]
    record = Rehearsal(arms=arms)
    run = started(child, record, clock)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert run.can_continue
    again = FakeChild(clock, ratios=child.ratios)
    run.continue_in(again)
    run.try_fit()
    assert "step/prefetch" not in [arm for _, arms in again.asked for arm in arms]
    blamed = next(arm for arm in arms if arm.remedy == "prefetch")
    assert (blamed.failed, blamed.why) == (True, "Could not be tried: it was killed by SIGKILL.")
    found = verdicts(record)
    assert (found["step/cache"], found["validation/faster"], record.restarts) == ("measured", "measured", 1)


def test_the_model_is_inspected_once(clock: FakeClock, child: FakeChild) -> None:
    child.inside = {"inside": {"rows": 32, "loss": 0.5}}
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock)
    run.inspect_model(3.0)
    assert record.inside == ModelInspection(rows=32, loss=0.5)
    child.inside = {"inside": {"rows": 8}}
    run.inspect_model(3.0)
    assert record.inside.rows == 32


def test_a_new_child_does_not_repeat_an_inspection_that_ended_the_last_one(clock: FakeClock, child: FakeChild) -> None:
    child.ratios = {"step/cache": 2.0}
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock)
    with pytest.raises(ChildEndedError):
        run.inspect_model(3.0)
    assert run.can_continue
    run.continue_in(FakeChild(clock, ratios=child.ratios))
    run.inspect_model(3.0)
    run.try_fit()
    assert verdicts(record)["step/cache"] == "measured"
    assert record.inside == ModelInspection(missing=UNANSWERED)


def test_a_new_child_does_not_repeat_decided_units(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("prepare", "validation/slower"): "ended"}
    child.ratios = {"step/cache": 2.0, "validation/faster": 2.0}
    arms = [
        *references("step"),
        remedy("cache"),
        *references("validation"),
        remedy("slower", "validation"),
        remedy("faster", "validation"),
    ]
    record = Rehearsal(arms=arms)
    run = started(child, record, clock)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    again = FakeChild(clock, ratios=child.ratios)
    run.continue_in(again)
    run.try_fit()
    assert {arm.split("/")[0] for _, arms in again.asked for arm in arms} == {"validation"}
    assert verdicts(record)["validation/faster"] == "measured"


@pytest.mark.parametrize("arm", ["step/baseline", "step/placebo"])
def test_no_new_child_is_possible_after_a_child_ended_over_a_reference(
    clock: FakeClock, child: FakeChild, arm: str
) -> None:
    child.fails = {("prepare", arm): "ended"}
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert not run.can_continue
    run.give_up("it was killed by SIGKILL")
    (outcome,) = [outcome for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]
    assert (outcome.verdict, outcome.why) == ("inconclusive", "Could not be tried: it was killed by SIGKILL.")


def test_no_new_child_is_needed_after_the_last_arm(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("windows", "step/cache"): "ended"}
    run = started(child, Rehearsal(arms=[*references("step"), remedy("cache")]), clock)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert not run.can_continue


def test_the_start_up_is_recorded(clock: FakeClock, child: FakeChild) -> None:
    record = Rehearsal()
    child.began_s = clock()
    started(child, record, clock).wait_for_target(100.0)
    assert record.startup_s == 7.0


def test_a_script_that_ends_before_the_target_is_an_error(clock: FakeClock, child: FakeChild) -> None:
    child.first = {"ended": "ValueError: no data"}
    with pytest.raises(ChildEndedError, match=r"before it came to this place again \(ValueError: no data\)"):
        started(child, Rehearsal(), clock).wait_for_target(100.0)
