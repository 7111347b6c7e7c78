from __future__ import annotations

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import CallSiteRecord, Operation
from fitdoctor.trials.plan import combine, plan, plan_environments
from tests.causes import test_fit_in_a_loop, test_unbatched_training_loop, test_unused_cores
from tests.support import builders as make

STEP = ["step/baseline", "step/placebo", "step/input-free"]


def test_a_fit_that_matters_always_gets_its_ceiling() -> None:
    (rehearsal,) = plan(make.facts(make.fit(step_s=0.1)))
    assert (rehearsal.target, rehearsal.index) == ("fit", 0)
    assert make.ids(rehearsal.arms) == STEP
    assert [arm.role for arm in rehearsal.arms] == ["baseline", "placebo", "ceiling"]


def test_arms_are_grouped_by_unit_with_their_references() -> None:
    record = make.fit(
        step_s=0.002,
        epochs=100,
        callbacks=[make.callback(hooks={"on_epoch_end": make.took(0.5, 2)})],
        validation="data",
        validation_kind="arrays",
        validation_steps=50,
        validation_step=make.took(0.01, 90),
        validation_overhead=make.took(0.01, 2),
    )
    (rehearsal,) = plan(make.facts(record))
    assert make.ids(rehearsal.arms) == [
        "validation/baseline",
        "validation/placebo",
        "validation/larger-validation-batch-256",
        "validation/larger-validation-batch-1024",
        "epoch_end/baseline",
        "epoch_end/placebo",
        "epoch_end/rarer-callback-every-5-epochs",
        *STEP,
        "step/larger-execution-8",
        "step/larger-execution-32",
        "race/baseline",
        "race/larger-batch-128",
        "race/larger-batch-512",
    ]
    assert rehearsal.races
    assert all(arm.changes for arm in rehearsal.arms if arm.role == "remedy")
    assert {arm.cause for arm in rehearsal.arms if arm.role == "remedy"} == {
        "dispatch-bound-steps",
        "slow-callback",
        "excessive-validation",
    }


def test_two_callbacks_get_an_arm_each() -> None:
    callbacks = [
        make.callback(name, index=at, hooks={"on_epoch_end": make.took(1.0, 2)}) for at, name in enumerate("AB")
    ]
    (rehearsal,) = plan(make.facts(make.fit(callbacks=callbacks)))
    arms = [arm for arm in rehearsal.arms if arm.remedy == "rarer-callback"]
    assert len({arm.id for arm in arms}) == 2
    assert [arm.changes[0]["call"] for arm in arms] == ["A", "B"]


def test_loops_are_planned_and_the_most_to_gain_comes_first() -> None:
    loop = CallSiteRecord(kind="predict", site=make.site(30), calls=4000, rows=1, run=make.took(0.05, 40))
    loop_plan, fit_plan = plan(make.facts(make.fit(step_s=0.1), loops=[loop]))
    assert (loop_plan.target, loop_plan.index) == ("loop", 0)
    assert make.ids(loop_plan.arms) == ["call/baseline", "call/placebo", "call/predict-on-batch"]
    assert loop_plan.expected_saving_s > fit_plan.expected_saving_s


def test_at_most_three_and_nothing_small_or_declined() -> None:
    assert len(plan(make.facts(*(make.fit(site=make.site(at)) for at in range(5))))) == 3
    assert plan(make.facts(make.fit(epochs=1, steps=2, first_step=make.took(0.01, 1), setup=make.took(0.0, 1)))) == ()
    assert plan(make.facts(make.fit(declined="a distribution strategy is in force"))) == ()


def pipeline_with_two_faults() -> list[Operation]:
    source = Operation(name="from_generator", position=0, site=make.site(9), python=True)
    return make.chain(source, ("map", 10), ("batch", 11))


def test_remedies_that_helped_alone_are_combined() -> None:
    facts = make.facts(make.fit(input_kind="tf.data", operations=pipeline_with_two_faults()))
    (rehearsal,) = plan(facts)
    ratios = {
        "step/precomputed-input-line-9": 3.0,
        "step/batched-map-plain": 1.5,
        "step/batched-map-vectorized": 1.4,
        "step/input-free": 6.0,
    }
    arm = combine(facts, make.rehearse(rehearsal, ratios))
    assert arm is not None
    assert (arm.id, arm.role, arm.unit, arm.safety) == ("step/prescription", "prescription", "step", "exact")
    assert arm.remedy == "precomputed-input + batched-map"
    assert [change["kind"] for change in arm.changes] == ["precompute", "swap-calls"]
    assert arm.changes[1]["vectorized"] is False


def test_one_alone_needs_no_combination() -> None:
    facts = make.facts(make.fit(step_s=0.001, epochs=200))
    (rehearsal,) = plan(facts)
    both = make.rehearse(rehearsal, {"step/larger-execution-8": 2.0, "step/larger-execution-32": 3.0})
    assert combine(facts, both) is None


def test_fits_of_one_batch_are_tried_as_calls() -> None:
    (calls,) = plan(test_fit_in_a_loop.bad())
    assert (calls.target, calls.index, calls.as_calls) == ("fit", 0, True)
    assert make.ids(calls.arms) == ["call/baseline", "call/placebo", "call/train-on-batch"]


def test_a_fit_is_tried_from_the_inside_where_its_calls_have_many_steps() -> None:
    plans = plan(test_fit_in_a_loop.epoch_by_epoch(step_s=0.01))
    assert [(each.target, each.as_calls) for each in plans] == [("fit", False)]


def test_a_loop_over_tiny_pieces_gets_a_ceiling() -> None:
    (loop,) = plan(test_unbatched_training_loop.loop())
    assert make.ids(loop.arms) == ["call/baseline", "call/placebo", "call/gathered-rows"]
    assert loop.arms[-1].role == "ceiling"


def test_changes_of_the_environment_are_no_arms_of_a_rehearsal() -> None:
    facts = test_unused_cores.bad()
    assert all(arm.unit != "process" for rehearsal in plan(facts) for arm in rehearsal.arms)
    (comparison,) = plan_environments(facts)
    assert make.ids(comparison.arms) == ["process/baseline", "process/default-threads"]
    assert comparison.expected_saving_s > 0
    assert plan_environments(test_unused_cores.good()) == ()


def test_nothing_is_planned_on_a_backend_that_trials_do_not_know() -> None:
    run = make.run(make.fit(step_s=0.1))
    assert run.scout is not None
    run.scout.environment["backend"] = "openvino"
    facts = Facts(run)
    assert plan(facts) == plan_environments(facts) == ()
    assert list(facts.limits()) == [
        "Nothing was tried: there are no trials on openvino yet. The report shows the script as it ran."
    ]
