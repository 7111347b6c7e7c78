"""The parent's side of a rehearsal, against a child that answers from a script and a clock that it moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fitdoctor.errors import ChildEndedError
from fitdoctor.process.child import Child
from fitdoctor.recording.model import Arm, ModelInspection, Rehearsal
from fitdoctor.trials import rehearsal
from fitdoctor.trials.model_inspection import UNANSWERED
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.rehearsal import RehearsalRun
from fitdoctor.trials.statistics import LOOKS
from tests import builders as make
from tests.probe.clocks import FakeClock

UNITS = ("step", "epoch_end", "validation")
STRETCHED = {"stretch/placebo": "reference", "stretch/cache": "measured"}


def references(unit: str) -> list[Arm]:
    return [
        Arm(id=f"{unit}/baseline", role="baseline", unit=unit),
        Arm(id=f"{unit}/placebo", role="placebo", unit=unit),
    ]


def remedy(name: str, unit: str = "step", *, cause: str = "missing-prefetch", **changed: Any) -> Arm:
    place = {"file": make.SCRIPT, "line": len(name), "position": 0}
    change = {"kind": "insert-call", "place": place, "call": name, "arguments": {}}
    return Arm(
        id=f"{unit}/{name}", role="remedy", unit=unit, remedy=name, cause=cause, label=name, changes=[change], **changed
    )


def ceiling() -> Arm:
    return Arm(id="step/input-free", role="ceiling", unit="step", remedy="input-free")


@dataclass
class FakeChild:
    """Answers as a child does.

    `ratios` are speeds against the baseline's; `fails` are error messages by command and arm.
    """

    clock: FakeClock
    ratios: dict[str, float] = field(default_factory=dict)
    fails: dict[tuple[str, str], str] = field(default_factory=dict)
    verified: dict[str, dict[str, str]] = field(default_factory=dict)
    astray: dict[tuple[str, str], str] = field(default_factory=dict)
    limits: list[str] = field(default_factory=list)
    command_s: float = 0.01
    verify_s: float = 0.0
    window_s: float = 0.0
    unit_s: float = 0.02
    first: dict[str, Any] = field(default_factory=lambda: {"reached": True})
    calls: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    confirming: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    inside: dict[str, Any] | None = None
    began_s: float = 0.0
    at: str = ""
    _round: Counter[str] = field(default_factory=Counter)

    def receive(self, timeout_s: float) -> dict[str, Any]:
        self.clock.pass_(7.0)
        return self.first

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert timeout_s > 0
        self.clock.pass_(self.verify_s if command["do"] == "verify" and self.verify_s else self.command_s)
        if command["do"] == "inside":
            if self.inside is None:
                raise ChildEndedError("it was killed by SIGKILL")
            return self.inside
        arms = command.get("arms") or [command["arm"]]
        asked = self.confirming if arms[0]["unit"] == "stretch" else self.asked
        asked.append((command["do"], tuple(arm["id"] for arm in arms)))
        for arm in arms:
            error = self.fails.get((command["do"], arm["id"]))
            if error == "ended":
                self.at = arm["id"] if command["do"] == "windows" else ""
                raise ChildEndedError("it was killed by SIGKILL")
            if error:
                self.at = arm["id"]
                return {"error": error}
            if (command["do"], arm["id"]) in self.astray:
                return {"error": self.astray[command["do"], arm["id"]], "astray": True}
        if command["do"] == "prepare":
            return {"one_off_s": 0.5, "unit_s": self.unit_s, "note": "", "limits": self.limits}
        if command["do"] == "verify":
            return self.verified.get(arms[0]["id"], {"batches": "same", "weights": "same", "why": ""})
        if command["do"] == "calls":
            return self.calls
        self.clock.pass_(self.window_s * len(arms))
        return {"windows": [self._window(arm["id"]) for arm in arms]}

    def _window(self, arm: str) -> dict[str, Any]:
        self._round[arm] += 1
        jitter = 1 + 0.01 * (-1) ** (self._round[arm] + len(arm))
        return {
            "seconds": 0.2 * jitter / self.ratios.get(arm, self.ratios.get(arm.replace("stretch/", "step/"), 1.0)),
            "units": 10,
            "queue_s": 0.0,
        }

    def rounds(self, arm: str) -> int:
        return self._round[arm]

    def done(self, command: str) -> list[str]:
        return [arm for do, arms in self.asked for arm in arms if do == command]


Try = Callable[..., Rehearsal]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    clock = FakeClock(1000.0)
    monkeypatch.setattr(rehearsal, "time", SimpleNamespace(monotonic=clock))
    return clock


@pytest.fixture
def child(clock: FakeClock) -> FakeChild:
    return FakeChild(clock)


@pytest.fixture
def attempt(clock: FakeClock, child: FakeChild) -> Try:
    def run(*arms: Arm, budget_s: float = 1000.0) -> Rehearsal:
        record = Rehearsal(arms=list(arms))
        started(child, record, clock, budget_s).try_fit()
        return record

    return run


def started(
    child: FakeChild, record: Rehearsal, clock: FakeClock, budget_s: float = 1000.0, **more: Any
) -> RehearsalRun:
    facts = make.facts(make.fit())
    return RehearsalRun(
        cast(Child, child), record, facts, deadline_s=clock() + budget_s, tell=lambda text: None, **more
    )


def verdicts(record: Rehearsal) -> dict[str, str]:
    return {outcome.arm.id: outcome.verdict for outcome in outcomes_of(record)}


def test_the_order_of_a_units_commands(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/input-free": 3.0, "step/prefetch": 2.0}
    attempt(*references("step"), ceiling(), remedy("prefetch"))
    first = [command for command, _ in child.asked]
    assert first[: first.index("verify") + 2] == ["prepare"] * 3 + ["windows"] * rehearsal.CEILING_LOOKS[0] + [
        "verify",
        "prepare",
    ]
    assert child.done("prepare") == ["step/baseline", "step/placebo", "step/input-free", "step/prefetch"]
    assert set(first[first.index("verify") + 2 :]) == {"windows"}


def test_every_round_has_every_arm_once_in_an_order_of_its_own(attempt: Try, child: FakeChild) -> None:
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


def test_a_clear_gain_is_decided_at_a_look_set_beforehand(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 3.0}
    record = attempt(*references("step"), remedy("prefetch"))
    assert verdicts(record)["step/prefetch"] == "measured"
    assert child.rounds("step/prefetch") in LOOKS
    assert child.rounds("step/prefetch") < LOOKS[-1]


def test_a_case_in_doubt_goes_to_the_last_look(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 1.052}
    record = attempt(*references("step"), remedy("prefetch"))
    assert verdicts(record)["step/prefetch"] == "inconclusive"
    assert child.rounds("step/prefetch") == LOOKS[-1]


def test_what_is_refuted_is_not_looked_at_again(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 1.052, "step/cache": 1.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"))
    assert verdicts(record)["step/cache"] == "refuted"
    assert child.rounds("step/cache") == LOOKS[0]
    assert child.rounds("step/baseline") == LOOKS[-1]


def test_a_hopeless_arm_is_dropped_after_two_rounds(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 0.3, "step/cache": 2.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"))
    dropped = next(arm for arm in record.arms if arm.remedy == "prefetch")
    assert dropped.dropped
    assert child.rounds("step/prefetch") == 2
    found = {"step/placebo": "reference", "step/prefetch": "refuted", "step/cache": "measured", **STRETCHED}
    assert verdicts(record) == found


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
    assert child.rounds("step/input-free") >= LOOKS[0]
    assert outcomes_of(record)[-1].comparison.mid == pytest.approx(4.0, rel=0.05)


def test_a_ceiling_that_fails_prunes_nothing(attempt: Try, child: FakeChild) -> None:
    child.fails = {("prepare", "step/input-free"): "no batches"}
    child.ratios = {"step/prefetch": 2.0}
    record = attempt(*references("step"), ceiling(), remedy("prefetch"))
    assert verdicts(record)["step/input-free"] == "failed"
    assert verdicts(record)["step/prefetch"] == "measured"
    assert child.rounds("step/input-free") == 0


def test_references_without_remedies_are_not_timed(attempt: Try, child: FakeChild) -> None:
    attempt(*references("step"))
    assert child.done("windows") == []


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


def test_what_hangs_on_a_broken_baseline_is_not_called_late(attempt: Try, child: FakeChild) -> None:
    child.fails = {("prepare", "step/baseline"): "disk full"}
    record = attempt(*references("step"), remedy("faster"))
    (outcome,) = [outcome for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]
    assert outcome.verdict == "failed"
    assert "disk full" in outcome.why


def test_a_child_that_ends_ends_the_rehearsal_and_keeps_its_windows(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("prepare", "validation/baseline"): "ended"}
    child.ratios = {"step/faster": 2.0}
    record = Rehearsal(
        arms=[*references("step"), remedy("faster"), *references("validation"), remedy("faster", "validation")]
    )
    with pytest.raises(ChildEndedError, match="SIGKILL"):
        started(child, record, clock).try_fit()
    assert verdicts(record)["step/faster"] == "measured"


@pytest.mark.parametrize("command", ["verify", "prepare", "windows"])
def test_a_fresh_child_tries_the_others_without_the_arm_that_ended_it(
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
    assert run.can_go_on
    again = FakeChild(clock, ratios=child.ratios)
    run.go_on_in(again)
    run.try_fit()
    assert "step/prefetch" not in [arm for _, arms in again.asked for arm in arms]
    blamed = next(arm for arm in arms if arm.remedy == "prefetch")
    assert (blamed.failed, blamed.why) == (True, "Could not be tried: it was killed by SIGKILL.")
    found = verdicts(record)
    assert (found["step/cache"], found["validation/faster"], record.restarts) == ("measured", "measured", 1)


def test_a_look_inside_comes_once_and_is_kept(clock: FakeClock, child: FakeChild) -> None:
    child.inside = {"inside": {"rows": 32, "loss": 0.5}}
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock)
    run.look_inside(3.0)
    assert record.inside == ModelInspection(rows=32, loss=0.5)
    child.inside = {"inside": {"rows": 8}}
    run.look_inside(3.0)
    assert record.inside.rows == 32


def test_a_child_that_ends_over_the_look_inside_is_followed_by_one_that_does_without(
    clock: FakeClock, child: FakeChild
) -> None:
    child.ratios = {"step/cache": 2.0}
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock)
    with pytest.raises(ChildEndedError):
        run.look_inside(3.0)
    assert run.can_go_on
    run.go_on_in(FakeChild(clock, ratios=child.ratios))
    run.look_inside(3.0)
    run.try_fit()
    assert verdicts(record)["step/cache"] == "measured"
    assert record.inside == ModelInspection(missing=UNANSWERED)


def test_what_was_decided_is_not_tried_again_in_a_fresh_child(clock: FakeClock, child: FakeChild) -> None:
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
    run.go_on_in(again)
    run.try_fit()
    assert {arm.split("/")[0] for _, arms in again.asked for arm in arms} == {"validation"}
    assert verdicts(record)["validation/faster"] == "measured"


@pytest.mark.parametrize("arm", ["step/baseline", "step/placebo"])
def test_what_ends_over_the_script_as_it_is_is_not_tried_again(clock: FakeClock, child: FakeChild, arm: str) -> None:
    child.fails = {("prepare", arm): "ended"}
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert not run.can_go_on
    run.leave("it was killed by SIGKILL")
    (outcome,) = [outcome for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]
    assert (outcome.verdict, outcome.why) == ("inconclusive", "Could not be tried: it was killed by SIGKILL.")


def test_the_last_arm_leaves_nothing_to_go_on_with(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("windows", "step/cache"): "ended"}
    run = started(child, Rehearsal(arms=[*references("step"), remedy("cache")]), clock)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert not run.can_go_on


def test_a_hang_is_told_by_how_long_such_replies_took(
    clock: FakeClock, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    ask = child.ask
    monkeypatch.setattr(child, "ask", lambda command, timeout_s: (waited.append(timeout_s), ask(command, timeout_s))[1])
    started(child, Rehearsal(arms=[*references("step"), remedy("cache")]), clock).try_fit()
    assert waited[0] > 2 * max(waited[1], waited[-1])
    assert waited[-1] == rehearsal.HANGS_S["windows"]


def test_what_takes_long_by_its_nature_is_no_hang(
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


def test_an_arm_whose_window_fails_leaves_the_others(attempt: Try, child: FakeChild) -> None:
    child.fails = {("windows", "step/cache"): "ResourceExhaustedError: out of memory"}
    child.ratios = {"step/prefetch": 2.0}
    record = attempt(*references("step"), remedy("cache"), remedy("prefetch"))
    assert verdicts(record)["step/cache"] == "failed"
    assert verdicts(record)["step/prefetch"] == "measured"
    assert record.limits == []


def test_a_budget_that_ends_while_an_arm_is_made_is_no_failure_of_the_arm(clock: FakeClock, child: FakeChild) -> None:
    child.fails = {("prepare", "step/cache"): "ended"}
    child.command_s, child.verify_s = 20.0, 60.0
    record = Rehearsal(arms=[*references("step"), remedy("cache")])
    run = started(child, record, clock, 100.0)
    with pytest.raises(ChildEndedError):
        run.try_fit()
    assert not next(arm for arm in record.arms if arm.remedy == "cache").failed


def test_arms_that_took_the_whole_share_to_prepare_are_still_looked_at(attempt: Try, child: FakeChild) -> None:
    child.command_s, child.ratios = 12.0, {"step/prefetch": 3.0}
    record = attempt(*references("step"), remedy("prefetch"), budget_s=200.0)
    assert child.rounds("step/prefetch") >= LOOKS[0]
    assert verdicts(record)["step/prefetch"] == "measured"


def test_a_ceiling_in_noise_prunes_nothing(attempt: Try, child: FakeChild, monkeypatch: pytest.MonkeyPatch) -> None:
    window = child._window

    def noisy(arm: str) -> dict[str, Any]:
        told = window(arm)
        told["seconds"] *= 2.5 if arm == "step/input-free" and child.rounds(arm) % 4 == 0 else 1.0
        return told

    child.ratios = {"step/input-free": 1.3, "step/prefetch": 1.3}
    monkeypatch.setattr(child, "_window", noisy)
    record = attempt(*references("step"), ceiling(), remedy("prefetch"))
    assert verdicts(record)["step/prefetch"] == "measured"


def test_references_are_not_timed_on_once_no_arm_is_left(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 0.3}
    attempt(*references("step"), remedy("prefetch"))
    assert child.rounds("step/baseline") == 2


def test_what_helps_is_measured_together(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 2.0, "step/larger": 1.5, "step/prescription": 2.9}
    record = attempt(*references("step"), remedy("prefetch"), remedy("larger"), remedy("nothing"))
    together = next(arm for arm in record.arms if arm.role == "prescription")
    assert (together.id, together.role, together.remedy) == ("step/prescription", "prescription", "prefetch + larger")
    assert together.id in child.done("verify")
    assert verdicts(record)["step/prescription"] == "measured"
    rounds = {window.round for window in record.windows if window.arm == together.id}
    assert rounds <= {window.round for window in record.windows if window.arm == "step/baseline"}


def test_one_that_helps_needs_no_arm_of_its_own(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/prefetch": 2.0}
    record = attempt(*references("step"), remedy("prefetch"), remedy("nothing"))
    assert "step/prescription" not in {arm.id for arm in record.arms}


def test_the_best_arm_of_a_step_is_held_against_the_baseline_in_continuous_stretches(
    attempt: Try, child: FakeChild
) -> None:
    child.ratios = {"step/prefetch": 4.0, "step/cache": 1.5, "stretch/prefetch": 2.0}
    record = attempt(*references("step"), remedy("prefetch"))
    windows = [sorted(arms) for command, arms in child.confirming if command == "windows"]
    assert windows == [["stretch/baseline", "stretch/placebo", "stretch/prefetch"]] * rehearsal.STRETCH_ROUNDS
    best = next(outcome for outcome in outcomes_of(record) if outcome.arm.id == "step/prefetch")
    assert best.comparison.mid == pytest.approx(2.0, rel=0.05)


def test_nothing_is_held_against_stretches_where_nothing_helped(attempt: Try, child: FakeChild) -> None:
    attempt(*references("step"), ceiling(), remedy("prefetch"))
    assert child.confirming == []


def test_slow_windows_of_a_ceiling_leave_time_for_what_it_cannot_rule_out(attempt: Try, child: FakeChild) -> None:
    child.window_s, child.ratios = 1.0, {"step/fewer": 4.0}
    other = Arm(
        id="step/fewer", role="remedy", unit="step", remedy="fewer-metrics", cause="costly-metrics", safety="exact"
    )
    attempt(*references("step"), ceiling(), other, budget_s=20.0)
    assert child.rounds("step/fewer") >= 2


def test_a_budget_that_is_used_up_is_kept(attempt: Try, child: FakeChild, clock: FakeClock) -> None:
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
    assert 0 < child.rounds("step/doubtful") < LOOKS[-1]
    assert child.rounds("validation/faster") > 1
    assert verdicts(record)["validation/faster"] == "measured"


def test_the_way_to_the_target_is_counted(clock: FakeClock, child: FakeChild) -> None:
    record = Rehearsal()
    child.began_s = clock()
    started(child, record, clock).wait_for_target(100.0)
    assert record.startup_s == 7.0


def test_a_script_that_does_not_come_there_again(clock: FakeClock, child: FakeChild) -> None:
    child.first = {"ended": "ValueError: no data"}
    with pytest.raises(ChildEndedError, match=r"before it came to this place again \(ValueError: no data\)"):
        started(child, Rehearsal(), clock).wait_for_target(100.0)


def test_calls_come_back_as_windows(clock: FakeClock, child: FakeChild) -> None:
    arms = [*references("call"), remedy("predict_on_batch", "call")]
    windows = [
        {"arm": arm.id, "round": 0, "order": at, "seconds": 0.1, "units": 8, "queue_s": 0.0}
        for at, arm in enumerate(arms)
    ]
    child.calls = {"windows": windows, "checks": {"call/predict_on_batch": "close"}}
    record = Rehearsal(target="loop", arms=arms)
    started(child, record, clock).try_calls()
    assert [window.arm for window in record.windows] == make.ids(arms)
    assert [arm.batches for arm in arms] == ["", "", "close"]
    assert child.asked == [("calls", tuple(make.ids(arms)))]


def test_too_few_calls_are_said_to_be_so(clock: FakeClock, child: FakeChild) -> None:
    arms = [*references("call"), remedy("predict_on_batch", "call")]
    child.calls = {"windows": [], "checks": {}, "why": "only 3 calls of the script's came there, too few to compare"}
    record = Rehearsal(target="loop", arms=arms)
    started(child, record, clock).try_calls()
    (outcome,) = [outcome for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]
    assert outcome.verdict == "inconclusive"
    assert "only 3 calls" in outcome.why


def test_a_state_that_is_not_as_before_leaves_what_follows_in_doubt(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/cache": 2.0, "epoch_end/rarer": 3.0, "validation/larger": 3.0}
    child.astray["prepare", "epoch_end/rarer"] = "the weights"
    named = (("step", "cache"), ("epoch_end", "rarer"), ("validation", "larger"))
    units = [[*references(unit), remedy(name, unit)] for unit, name in named]
    record = attempt(*[arm for arms in units for arm in arms])
    found = verdicts(record)
    assert found["step/cache"] == "measured"
    assert (found["epoch_end/rarer"], found["validation/larger"]) == ("inconclusive", "inconclusive")
    assert "the weights was not as before" in record.limits[0]
    assert child.rounds("validation/larger") == 0


def test_what_the_child_says_of_its_trials_is_said_once(attempt: Try, child: FakeChild) -> None:
    child.limits = ["The input is a Python generator."]
    record = attempt(*references("step"), remedy("cache"))
    assert record.limits == ["The input is a Python generator."]


def test_a_ceiling_comes_before_a_unit_that_may_save_more(attempt: Try, child: FakeChild) -> None:
    child.ratios = {"step/input-free": 3.0}
    attempt(*references("validation"), remedy("larger", "validation"), *references("step"), ceiling(), remedy("cache"))
    order = [arms[0] for what, arms in child.asked if what == "prepare"]
    assert order.index("step/input-free") < order.index("validation/baseline") < order.index("step/cache")
    assert order.count("step/baseline") == 1


def test_each_unit_is_kept_when_it_is_done(clock: FakeClock, child: FakeChild) -> None:
    kept: list[int] = []
    record = Rehearsal(
        arms=[*references("step"), remedy("cache"), *references("validation"), remedy("larger", "validation")]
    )
    started(child, record, clock, keep=lambda: kept.append(len(record.windows))).try_fit()
    assert len(kept) == 2
    assert 0 < kept[0] < kept[1]


def test_calls_that_differ_from_themselves_conclude_nothing(clock: FakeClock, child: FakeChild) -> None:
    record = Rehearsal(target="loop", arms=[*references("call"), remedy("predict_on_batch", "call")])
    child.calls = {"windows": [], "checks": {"call/placebo": "different", "call/predict_on_batch": "different"}}
    started(child, record, clock).try_calls()
    assert verdicts(record)["call/predict_on_batch"] == "inconclusive"
    assert "differ" in record.arms[-1].doubt


def test_no_round_begins_that_would_go_on_past_the_deadline(attempt: Try, child: FakeChild, clock: FakeClock) -> None:
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


def test_an_arm_that_would_not_be_ready_in_time_is_left_untried(
    attempt: Try, child: FakeChild, clock: FakeClock
) -> None:
    child.command_s = 8.0
    began_s = clock()
    record = attempt(*references("step"), remedy("prefetch"), remedy("cache"), budget_s=30.0)
    assert record.arms[-1].why == "The budget was used up before it was tried."
    assert clock() - began_s < 30.0 + 2 * child.command_s
