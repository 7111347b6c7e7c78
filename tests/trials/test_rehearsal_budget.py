"""The budget of a rehearsal, and the time limits of its commands."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.process.child import ChildEndedError
from fitdoctor.recording.model import Rehearsal
from fitdoctor.trials.arm_commands import HANGS_S
from fitdoctor.trials.statistics import DECISION_ROUNDS
from tests.support.clocks import FakeClock
from tests.support.fake_rehearsal import FakeChild, Try, references, remedy, started, verdicts


def test_the_time_limit_of_a_command_follows_earlier_replies(
    clock: FakeClock, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    ask = child.ask
    monkeypatch.setattr(child, "ask", lambda command, timeout_s: (waited.append(timeout_s), ask(command, timeout_s))[1])
    started(child, Rehearsal(arms=[*references("step"), remedy("cache")]), clock).try_fit()
    assert waited[0] > 2 * max(waited[1], waited[-1])
    assert waited[-1] == HANGS_S["windows"]


def test_time_limits_differ_from_unit_to_unit(
    clock: FakeClock, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows of steps take a moment, and a pass over the validation data may take seconds."""
    waited: dict[str, float] = {}
    ask = child.ask

    def asked(command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        unit = (command.get("arms") or [command["arm"]])[0]["unit"]
        waited[command["do"], unit] = min(timeout_s, waited.get((command["do"], unit), timeout_s))
        child.unit_s = child.window_s = 9.0 if unit == "validation" else 0.02
        child.command_s = 25.0 if (command["do"], unit) == ("prepare", "validation") else 0.01
        return ask(command, timeout_s)

    monkeypatch.setattr(child, "ask", asked)
    arms = [*references("step"), remedy("cache"), *references("validation"), remedy("larger", "validation")]
    started(child, Rehearsal(arms=arms), clock, 2000.0).try_fit()
    assert waited["windows", "step"] < 30
    assert waited["windows", "validation"] > 10 * 9.0
    assert waited["prepare", "validation"] > 10 * 25.0 / 3


def test_an_arm_does_not_fail_where_the_budget_ends_while_it_is_prepared(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("prepare", "step/cache"): "ended"}
    child.command_s, child.verify_s = 20.0, 60.0
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock, 100.0)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert not next(arm for arm in record.arms if arm.remedy == "cache").failed


def test_arms_that_took_the_whole_share_to_prepare_are_still_timed(attempt: Try, child: FakeChild) -> None:
    child.command_s, child.ratios = 12.0, {"step/prefetch": 3.0}
    record = attempt(*references("step"), remedy("prefetch"), budget_s=200.0)
    assert child.rounds("step/prefetch") >= DECISION_ROUNDS[0]
    assert verdicts(record)["step/prefetch"] == "measured"


def test_a_budget_is_kept_and_late_arms_say_so(attempt: Try, child: FakeChild, clock: FakeClock) -> None:
    child.command_s = 10.0
    began_s = clock()
    record = attempt(*references("step"), *(remedy(name * 3) for name in "abcdefgh"), budget_s=100.0)
    assert clock() - began_s < 100.0 + 3 * child.command_s
    late = [arm for arm in record.arms if arm.why == "The budget was used up before it was tried."]
    assert late
    assert all(child.rounds(arm.id) == 0 for arm in late)


def test_each_unit_leaves_time_for_the_next(attempt: Try, child: FakeChild) -> None:
    child.command_s = 1.0
    child.ratios = {"step/doubtful": 1.052, "validation/faster": 2.0}
    record = attempt(
        *references("step"),
        remedy("doubtful"),
        *references("validation"),
        remedy("faster", "validation"),
        budget_s=30.0,
    )
    assert 0 < child.rounds("step/doubtful") < DECISION_ROUNDS[-1]
    assert child.rounds("validation/faster") > 1
    assert verdicts(record)["validation/faster"] == "measured"


def test_no_round_begins_that_would_end_after_the_deadline(attempt: Try, child: FakeChild, clock: FakeClock) -> None:
    child.window_s = 6.0
    began_s = clock()
    record = attempt(*references("epoch"), remedy("cache", "epoch"), budget_s=40.0)
    assert clock() - began_s < 40.0 + child.window_s
    assert child.rounds("epoch/cache") >= 1
    assert len(record.windows) == 3 * child.rounds("epoch/cache")


def test_an_epoch_that_is_too_long_for_what_is_left_is_not_timed(
    attempt: Try, child: FakeChild, clock: FakeClock
) -> None:
    child.window_s = child.unit_s = child.command_s = 6.0
    began_s = clock()
    attempt(*references("epoch"), remedy("cache", "epoch"), budget_s=25.0)
    assert child.rounds("epoch/cache") == 0
    assert clock() - began_s < 25.0 + 2 * child.command_s


def test_an_arm_that_would_not_be_ready_in_time_is_not_tried(attempt: Try, child: FakeChild, clock: FakeClock) -> None:
    child.command_s = 8.0
    began_s = clock()
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"), budget_s=30.0)
    assert record.arms[-1].why == "The budget was used up before it was tried."
    assert clock() - began_s < 30.0 + 2 * child.command_s
