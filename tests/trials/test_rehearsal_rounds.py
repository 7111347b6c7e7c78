"""The rounds of a rehearsal: their order, and when an arm is decided."""

from __future__ import annotations

from fitdoctor.recording.model import Rehearsal
from fitdoctor.trials import rehearsal
from fitdoctor.trials.statistics import DECISION_ROUNDS
from tests.support.clocks import FakeClock
from tests.support.fake_rehearsal import FakeChild, Try, ceiling, references, remedy, started, verdicts

STRETCHED = {"stretch/placebo": "reference", "stretch/cache": "measured"}


def test_a_unit_prepares_its_references_before_its_remedies(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/input-free": 3.0, "step/prefetch": 2.0}
    attempt(*references("step"), ceiling(), remedy("prefetch"))
    first = [command for command, _ in child.asked]
    assert first[: first.index("verify") + 2] == ["prepare"] * 3 + ["windows"] * rehearsal.CEILING_ROUNDS[0] + [
        "verify",
        "prepare",
    ]
    assert child.done("prepare") == ["step/baseline", "step/placebo", "step/input-free", "step/prefetch"]
    assert set(first[first.index("verify") + 2 :]) == {"windows"}


def test_every_round_times_every_arm_once_in_a_random_order(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 1.06, "step/cache": 1.04}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"))
    orders = [arms for command, arms in child.asked if command == "windows"]
    stretches = [arms for command, arms in child.confirming if command == "windows"]
    assert all(len(set(arms)) == len(arms) for arms in orders)
    assert len(set(orders)) > 3
    assert [window.order for window in record.windows] == list(range(len(record.windows)))
    taken = [(window.round, window.arm) for window in record.windows]
    expected = [(number, arm) for each in (orders, stretches) for number, arms in enumerate(each) for arm in arms]
    assert taken == expected


def test_a_clear_gain_is_decided_at_a_decision_round(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 3.0}
    record = attempt(*references("step"), remedy("prefetch"))
    assert verdicts(record)["step/prefetch"] == "measured"
    assert child.rounds("step/prefetch") in DECISION_ROUNDS
    assert child.rounds("step/prefetch") < DECISION_ROUNDS[-1]


def test_an_inconclusive_arm_is_timed_to_the_last_decision_round(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 1.052}
    record = attempt(*references("step"), remedy("prefetch"))
    assert verdicts(record)["step/prefetch"] == "inconclusive"
    assert child.rounds("step/prefetch") == DECISION_ROUNDS[-1]


def test_a_refuted_arm_is_not_timed_any_more(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 1.052, "step/cache": 1.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"))
    assert verdicts(record)["step/cache"] == "refuted"
    assert child.rounds("step/cache") == DECISION_ROUNDS[0]
    assert child.rounds("step/baseline") == DECISION_ROUNDS[-1]


def test_a_hopeless_arm_is_dropped_after_two_rounds(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 0.3, "step/cache": 2.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"))
    dropped = next(arm for arm in record.arms if arm.remedy == "prefetch")
    assert dropped.dropped
    assert child.rounds("step/prefetch") == 2
    found = {"step/placebo": "reference", "step/prefetch": "refuted", "step/cache": "measured", **STRETCHED}
    assert verdicts(record) == found


def test_references_without_remedies_are_not_timed(attempt: Try, child: FakeChild) -> None:
    attempt(*references("step"))
    assert child.done("windows") == []


def test_references_are_not_timed_once_no_arm_is_left(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 0.3}
    attempt(*references("step"), remedy("prefetch"))
    assert child.rounds("step/baseline") == 2


def test_the_record_is_saved_after_each_unit(clock: FakeClock, child: FakeChild) -> None:
    kept: list[int] = []
    record = Rehearsal(
        arms=[*references("step"), remedy("cache"), *references("validation"), remedy("larger", "validation")]
    )
    started(child, record, clock, save=lambda: kept.append(len(record.windows))).try_fit()
    assert len(kept) == 2
    assert 0 < kept[0] < kept[1]
