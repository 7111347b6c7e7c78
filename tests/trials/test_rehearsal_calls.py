"""Trials of repeated calls."""

from __future__ import annotations

from fitdoctor.recording.model import Rehearsal
from fitdoctor.trials.outcomes import outcomes_of
from tests.support import builders as make
from tests.support.clocks import FakeClock
from tests.support.fake_rehearsal import FakeChild, references, remedy, started, verdicts


def test_a_trial_of_calls_records_windows_and_checks(clock: FakeClock, child: FakeChild) -> None:
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


def test_too_few_calls_are_inconclusive_and_say_so(clock: FakeClock, child: FakeChild) -> None:
    arms = [*references("call"), remedy("predict_on_batch", "call")]
    child.calls = {"windows": [], "checks": {}, "why": "only 3 calls of the script's came there, too few to compare"}
    record = Rehearsal(target="loop", arms=arms)
    started(child, record, clock).try_calls()
    (outcome,) = [outcome for outcome in outcomes_of(record) if outcome.arm.role == "remedy"]
    assert outcome.verdict == "inconclusive"
    assert "only 3 calls" in outcome.why


def test_calls_that_differ_from_themselves_are_inconclusive(clock: FakeClock, child: FakeChild) -> None:
    record = Rehearsal(target="loop", arms=[*references("call"), remedy("predict_on_batch", "call")])
    child.calls = {"windows": [], "checks": {"call/placebo": "different", "call/predict_on_batch": "different"}}
    started(child, record, clock).try_calls()
    assert verdicts(record)["call/predict_on_batch"] == "inconclusive"
    assert "differ" in record.arms[-1].doubt
