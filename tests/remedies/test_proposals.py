"""What the remedies propose, and what they leave alone."""

from __future__ import annotations

import pytest

from fitdoctor.causes.registry import run_causes
from fitdoctor.changes.model import Place, Precompute, SetArgument, SwapCalls, ThrottleHook
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from fitdoctor.remedies.registry import Offer, offers
from tests.causes import (
    test_excessive_validation,
    test_fit_in_a_loop,
    test_overlong_epoch,
    test_per_sample_map,
    test_predict_in_a_loop,
    test_unbatched_training_loop,
)
from tests.support import builders as make


def offered(facts: Facts, cause: str) -> list[Offer]:
    finding = next(finding for finding in run_causes(facts)[0] if finding.cause == cause)
    return offers(finding, facts)[0]


def test_both_eager_switches_are_turned_off() -> None:
    (offer,) = offered(make.facts(make.fit(run_eagerly=True, eager_globally=True)), "eager-execution")
    assert [(c.call, c.value) for c in offer.proposal.changes if isinstance(c, SetArgument)] == [
        ("Model.compile", False),
        ("tf.config.run_functions_eagerly", False),
    ]
    assert offer.arm_id == "step/compiled-step"


@pytest.mark.parametrize(("steps", "sizes"), [(100, ["8", "32"]), (20, ["8"]), (5, [])])
def test_an_execution_is_never_longer_than_an_epoch(steps: int, sizes: list[str]) -> None:
    facts = make.facts(make.fit(step_s=0.001, epochs=20_000 // steps, steps=steps))
    assert [offer.proposal.label for offer in offered(facts, "dispatch-bound-steps") if offer.unit == "step"] == sizes


@pytest.mark.parametrize(("steps", "sizes"), [(5000, ["8", "25"]), (96, ["8", "32"]), (6, ["6"]), (103, [])])
def test_where_the_steps_are_given_executions_divide_them(steps: int, sizes: list[str]) -> None:
    """An endless input would be drawn from until the last execution is full: more steps than the script asks for."""
    facts = make.facts(make.fit(step_s=0.001, epochs=20_000 // steps, steps=steps, steps_given=True))
    found = [
        offer.proposal.label
        for offer in offered(facts, "dispatch-bound-steps")
        if offer.remedy.id == "larger-execution"
    ]
    assert found == sizes


def test_a_schedule_by_batch_forbids_larger_executions() -> None:
    warmup = make.callback("Warmup", steers=True, hooks={"on_train_batch_begin": make.took(1e-6, 61)})
    facts = make.facts(make.fit(step_s=0.001, epochs=200, callbacks=[warmup]))
    assert all(
        "Warmup" in offer.proposal.untried for offer in offered(facts, "dispatch-bound-steps") if offer.unit == "step"
    )


def test_maps_are_swapped_plain_and_vectorized() -> None:
    plain, vectorized = offered(test_per_sample_map.bad(), "per-sample-map")
    (change,) = plain.proposal.changes
    assert change == SwapCalls(
        place=Place(file=make.SCRIPT, line=4, position=1), batch=Place(file=make.SCRIPT, line=6, position=3)
    )
    assert vectorized.arm_id == "step/batched-map-vectorized"


def test_a_generator_is_run_once_where_it_stands() -> None:
    source = Operation(name="from_generator", position=0, site=make.site(9), python=True)
    python_map = Operation(name="map", position=1, site=make.site(10), python=True)
    record = make.fit(input_kind="tf.data", operations=make.chain(source, python_map, ("batch", 11)))
    first, second, cached = offered(make.facts(record), "python-in-pipeline")
    assert first.proposal.changes == (
        Precompute(place=Place(file=make.SCRIPT, line=9, position=0), call="from_generator", argument="generator"),
    )
    assert second.proposal.changes == ()
    assert second.proposal.untried
    assert cached.arm_id == "step/cached-input"
    (of_fit,) = offered(make.facts(make.fit(input_kind="generator")), "slow-generator")
    assert of_fit.proposal.changes == (
        Precompute(place=Place(file=make.SCRIPT, line=18), call="Model.fit", argument="x"),
    )


def test_hooks_are_throttled_by_their_kind() -> None:
    hooks = {"on_epoch_end": make.took(1.0, 2), "on_train_batch_end": make.took(0.01, 61)}
    facts = make.facts(make.fit(callbacks=[make.callback(hooks=hooks, index=3)]))
    batch, epoch = offered(facts, "slow-callback")
    assert (batch.unit, epoch.unit) == ("step", "epoch_end")
    (throttle,) = batch.proposal.changes
    assert isinstance(throttle, ThrottleHook)
    assert (throttle.hook, throttle.every, throttle.index) == ("on_train_batch_end", 50, 3)
    assert epoch.arm_id == "epoch_end/rarer-callback-every-5-epochs"


@pytest.mark.parametrize("role", ["steers", "may_stop"])
def test_callbacks_that_act_on_the_training_are_not_tried(role: str) -> None:
    own = make.callback(hooks={"on_epoch_end": make.took(1.0, 2)}, **{role: True})
    (offer,) = offered(make.facts(make.fit(callbacks=[own])), "slow-callback")
    assert "Plotter" in offer.proposal.untried


def test_validation_batches_grow_up_to_the_rows_there_are() -> None:
    sizes = [
        offer.proposal.label
        for offer in offered(test_excessive_validation.validating(2.0, steps=20), "excessive-validation")
        if offer.remedy.id == "larger-validation-batch"
    ]
    assert sizes == ["256", "640"]


def test_larger_validation_batches_are_of_the_safety_numerics() -> None:
    offer = offered(test_excessive_validation.validating(2.0, steps=20), "excessive-validation")[0]
    assert (offer.remedy.id, offer.remedy.safety) == ("larger-validation-batch", "numerics")


def test_larger_executions_are_not_offered_where_keras_refuses_them() -> None:
    facts = make.facts(make.fit(step_s=0.002, epochs=100))
    assert "larger-execution" in {offer.remedy.id for offer in offered(facts, "dispatch-bound-steps")}
    facts.scout.environment["backend"] = "torch"
    assert "larger-execution" not in {offer.remedy.id for offer in offered(facts, "dispatch-bound-steps")}


def test_rarer_validation_is_arithmetic() -> None:
    offer = offered(test_excessive_validation.bad(), "excessive-validation")[-1]
    assert offer.remedy.id == "rarer-validation"
    assert offer.proposal.unit_ratio == 5.0
    assert "8 of 10" in offer.proposal.untried


def test_rarer_validation_is_not_tried_if_a_callback_monitors_the_score() -> None:
    watcher = make.callback("ModelCheckpoint", own=False, hooks={}, attributes={"monitor": "val_loss"})
    facts = test_excessive_validation.bad()
    facts.fits[0].record.callbacks.append(watcher)
    offer = offered(facts, "excessive-validation")[-1]
    assert offer.proposal.unit_ratio is None
    assert "ModelCheckpoint" in offer.proposal.untried


def test_small_batches_alone_do_not_justify_fewer_scores() -> None:
    found = {offer.remedy.id for offer in offered(test_excessive_validation.validating(0.4), "excessive-validation")}
    assert found == {"larger-validation-batch"}


def test_datasets_bring_their_own_validation_batches() -> None:
    facts = test_excessive_validation.validating(2.0)
    facts.fits[0].record.validation_kind = "tf.data"
    assert offered(facts, "excessive-validation")[0].proposal.untried


@pytest.mark.parametrize(("kind", "replacement"), [("predict", "predict_on_batch"), ("evaluate", "test_on_batch")])
def test_calls_are_replaced_by_calls_on_one_batch(kind: str, replacement: str) -> None:
    offer, all_at_once = offered(test_predict_in_a_loop.loop(kind=kind), "predict-in-a-loop")
    assert offer.changes[0]["replacement"] == replacement
    assert offer.unit == "call"
    assert "depends on" in all_at_once.proposal.untried


def test_fits_of_one_batch_become_train_on_batch() -> None:
    first, second = offered(test_fit_in_a_loop.bad(), "fit-in-a-loop")
    assert first.changes[0]["replacement"] == "train_on_batch"
    assert (first.unit, first.remedy.safety) == ("call", "exact")
    assert (second.remedy.id, second.remedy.safety) == ("gathered-rows", "semantics")


def test_fits_on_the_same_data_become_one_fit() -> None:
    facts = test_fit_in_a_loop.epoch_by_epoch()
    (offer,) = offered(facts, "fit-in-a-loop")
    assert offer.remedy.id == "one-fit"
    assert "epochs=50" in offer.proposal.how
    assert offer.proposal.unit_ratio == pytest.approx(25.5 / (25.5 - 49 * 0.298), rel=0.02)


def test_rows_that_were_gathered_in_a_trial_are_projected() -> None:
    (offer,) = offered(test_unbatched_training_loop.bad(), "unbatched-training-loop")
    assert offer.proposal.unit_ratio == 20.0


def test_only_validation_steps_are_tried() -> None:
    (exact,) = offered(test_overlong_epoch.bad(), "overlong-epoch")
    assert (exact.remedy.id, exact.changes[0]["value"], exact.proposal.untried) == ("right-validation-length", 20, "")
    (other,) = offered(test_overlong_epoch.training(1600), "overlong-epoch")
    assert (other.remedy.id, other.proposal.unit_ratio) == ("right-epoch-length", 32.0)


def test_maps_still_draw_random_numbers_for_each_sample() -> None:
    facts = test_per_sample_map.bad()
    for step in facts.fits[0].record.operations:
        step.stateful = step.name == "map"
    (vectorized,) = offered(facts, "per-sample-map")
    assert (vectorized.proposal.label, vectorized.safety) == ("vectorized", "semantics")
    assert {offer.safety for offer in offered(test_per_sample_map.bad(), "per-sample-map")} == {"exact"}
