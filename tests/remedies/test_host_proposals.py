"""What the remedies of callbacks, metrics, debugging aids and workers propose, and what they leave alone."""

from __future__ import annotations

import pytest

from fitdoctor.causes.registry import run_causes
from fitdoctor.changes.model import RemoveCall, SetArgument, ThrottleHook
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import MetricRecord
from fitdoctor.remedies.registry import Offer, offers
from tests.causes import (
    test_blocking_logs,
    test_costly_metrics,
    test_frequent_checkpoints,
    test_idle_workers,
    test_profiler_left_on,
    test_worker_overhead,
)
from tests.support import builders as make


def offered(facts: Facts, cause: str) -> list[Offer]:
    finding = next(finding for finding in run_causes(facts)[0] if finding.cause == cause)
    return offers(finding, facts)[0]


def set_to(offer: Offer) -> list[tuple[str, str, object]]:
    return [(c.call, c.argument, c.value) for c in offer.proposal.changes if isinstance(c, SetArgument)]


def test_saves_by_epoch_are_proposed_less_often_or_smaller() -> None:
    rarer, smaller = offered(test_frequent_checkpoints.bad(), "frequent-checkpoints")
    (change,) = rarer.proposal.changes
    assert isinstance(change, ThrottleHook)
    assert (change.hook, change.every, rarer.unit) == ("on_epoch_end", 5, "epoch_end")
    assert "save_freq=500" in rarer.proposal.how
    assert set_to(smaller) == [("ModelCheckpoint", "save_weights_only", True)]


def test_saves_of_the_best_model_are_not_tried_less_often() -> None:
    facts = test_frequent_checkpoints.checkpoint(save_best_only=True)
    assert all(offer.proposal.untried for offer in offered(facts, "frequent-checkpoints"))


@pytest.mark.parametrize(("every", "tried"), [(4, True), (40, False)])
def test_saves_by_batch_are_tried_where_a_window_can_hold_them(every: int, tried: bool) -> None:
    record = make.callback(
        "BackupAndRestore",
        own=False,
        attributes={"save_freq": every},
        hooks={"on_train_batch_end": make.took(0.01, 61)},
        saves=make.took(0.01 * every, 61 // every),
    )
    facts = make.facts(make.fit(step_s=0.02, function_s=0.01, callbacks=[record]))
    (offer,) = offered(facts, "frequent-checkpoints")
    assert set_to(offer) == [("BackupAndRestore", "save_freq", 10 * every)]
    assert bool(offer.proposal.untried) is not tried
    assert offer.proposal.unit_ratio == (None if tried else pytest.approx(0.02 / 0.011, rel=0.01))
    what = (
        'save_freq="epoch")  # tried: a save every 40 batches' if tried else "save_freq=400)  # 4 epochs of 100 steps"
    )
    assert offer.proposal.how == f"BackupAndRestore(…, {what}"


@pytest.mark.parametrize(("steps", "how"), [(100, 'save_freq="epoch")'), (None, "save_freq=20)")])
def test_saves_after_a_few_batches_become_one_an_epoch(steps: int | None, how: str) -> None:
    record = make.callback(
        "ModelCheckpoint",
        own=False,
        attributes={"save_freq": 2},
        hooks={"on_train_batch_end": make.took(0.005, 61)},
        saves=make.took(0.01, 30),
    )
    facts = make.facts(make.fit(step_s=0.007, function_s=0.002, steps=steps, callbacks=[record]))
    rarer = next(offer for offer in offered(facts, "frequent-checkpoints") if offer.remedy.id == "rarer-checkpoints")
    assert set_to(rarer) == [("ModelCheckpoint", "save_freq", steps or 20)]
    assert rarer.proposal.how == f"ModelCheckpoint(…, {how}"
    assert not rarer.proposal.untried


def test_only_the_costly_metrics_are_removed() -> None:
    (offer,) = offered(test_costly_metrics.bad(), "costly-metrics")
    assert set_to(offer) == [("Model.compile", "metrics", ["accuracy"])]
    assert "without auc" in offer.proposal.how


@pytest.mark.parametrize("monitor", ["val_auc", "auc"])
def test_a_monitored_metric_stays(monitor: str) -> None:
    stopper = make.callback("EarlyStopping", own=False, attributes={"monitor": monitor}, hooks={})
    auc = MetricRecord(name="auc", kind="AUC", state_size=800)
    facts = make.facts(make.fit(step_s=0.002, epochs=100, metrics=[auc], callbacks=[stopper]))
    (offer,) = offered(facts, "costly-metrics")
    assert offer.proposal.untried == f"EarlyStopping monitors {monitor}."


def test_logs_are_quieted_by_their_own_argument() -> None:
    (board,) = offered(test_blocking_logs.bad(), "blocking-logs")
    assert set_to(board) == [("TensorBoard", "update_freq", "epoch")]
    (bar,) = offered(test_blocking_logs.logger("ProgbarLogger"), "blocking-logs")
    assert set_to(bar) == [("Model.fit", "verbose", 2)]
    (other,) = offered(test_blocking_logs.logger("Tracker"), "blocking-logs")
    assert [type(change) for change in other.proposal.changes] == [ThrottleHook]


def test_debugging_aids_are_turned_off() -> None:
    (offer,) = offered(test_profiler_left_on.bad(), "profiler-left-on")
    assert offer.proposal.changes == (
        RemoveCall(place=offer.proposal.changes[0].place, call="tf.debugging.enable_check_numerics"),
    )
    assert offer.proposal.changes[0].place.line == 3
    (board,) = offered(test_profiler_left_on.profiled(1, 100_000), "profiler-left-on")
    assert set_to(board) == [("TensorBoard", "profile_batch", 0)]


def test_more_workers_are_threads() -> None:
    two, four, processes = offered(test_idle_workers.bad(), "idle-workers")
    assert [set_to(two), set_to(four)] == [[("PyDataset", "workers", 2)], [("PyDataset", "workers", 4)]]
    assert processes.proposal.untried


def test_fewer_workers_begin_with_threads_in_place_of_processes() -> None:
    threads, none = offered(test_worker_overhead.bad(), "worker-overhead")
    assert set_to(threads) == [("PyDataset", "use_multiprocessing", False)]
    assert set_to(none) == [("PyDataset", "use_multiprocessing", False), ("PyDataset", "workers", 1)]
    (alone,) = offered(test_idle_workers.dataset(workers=8), "worker-overhead")
    assert set_to(alone) == [("PyDataset", "workers", 1)]


def test_savings_outside_of_steps_follow_from_measured_times() -> None:
    facts = test_profiler_left_on.writing(100_000)
    step, whole = offered(facts, "profiler-left-on")
    assert (step.unit, whole.unit) == ("step", "call")
    fit_s = facts.projection.under("fit0/")
    assert whole.proposal.unit_ratio == pytest.approx(fit_s / (fit_s - 5.0))
    facts = test_worker_overhead.stalling(processes=True, stall_s=5.0)
    assert [offer.unit for offer in offered(facts, "worker-overhead")] == ["step", "step", "call"]
