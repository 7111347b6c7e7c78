from __future__ import annotations

import pytest

from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.trials.outcomes import measured_by, outcomes_of
from fitdoctor.trials.safety import quality, verified, worst
from tests.support import builders as make


def rehearsal(arm: Arm, ratio: float = 2.0, *, rounds: int = 8) -> Rehearsal:
    references = [
        Arm(id="base", role="baseline", unit="step", one_off_s=4.0),
        Arm(id="again", role="placebo", unit="step", one_off_s=1.0),
    ]
    windows = [
        *make.windows("base", 0.02),
        *make.windows("again", 0.02),
        *make.windows(arm.id, 0.02 / ratio, rounds=rounds),
    ]
    return Rehearsal(arms=[*references, arm], windows=windows)


def remedy(**changed: object) -> Arm:
    return Arm(**{"id": "step/prefetch", "role": "remedy", "unit": "step", "remedy": "prefetch", **changed})  # type: ignore[arg-type]


def test_arms_are_compared_with_baseline_and_placebo() -> None:
    placebo, outcome = outcomes_of(rehearsal(remedy(one_off_s=3.5, batches="same")))
    assert (placebo.verdict, outcome.verdict) == ("reference", "measured")
    assert outcome.comparison.mid == pytest.approx(2.0, rel=0.05)
    assert outcome.windows == 8
    assert outcome.one_off_s == 2.5
    assert outcome.helps


def test_a_cheaper_first_unit_is_not_promised() -> None:
    assert outcomes_of(rehearsal(remedy(one_off_s=0.1)))[1].one_off_s == 0.0


def test_an_exact_remedy_with_other_numbers_is_refuted() -> None:
    outcome = outcomes_of(rehearsal(remedy(batches="different")))[1]
    assert outcome.verdict == "refuted"
    assert "batches differ" in outcome.why
    assert outcomes_of(rehearsal(remedy(batches="different", safety="numerics")))[1].verdict == "measured"


def test_failures_and_lack_of_time_are_distinguished() -> None:
    assert outcomes_of(rehearsal(remedy(failed=True, why="No batch in the chain.")))[1].why == "No batch in the chain."
    untold = outcomes_of(rehearsal(remedy(), rounds=0))[1]
    assert (untold.verdict, untold.windows) == ("inconclusive", 0)
    assert "budget" in untold.why


def test_a_hopeless_arm_is_refuted_with_two_rounds() -> None:
    outcome = outcomes_of(rehearsal(remedy(dropped=True), 0.3, rounds=2))[1]
    assert outcome.verdict == "refuted"


def test_facts_learn_ceilings_and_dispatch_from_trials() -> None:
    ceiling = Arm(id="step/input-free", role="ceiling", unit="step", remedy="input-free")
    measured = measured_by(outcomes_of(rehearsal(ceiling, 4.0)))
    assert measured.input_free[0].mid == pytest.approx(4.0, rel=0.05)
    larger = remedy(changes=[{"kind": "set-argument", "argument": "steps_per_execution", "value": 8}])
    assert measured_by(outcomes_of(rehearsal(larger))).fewer_dispatches[0].mid == pytest.approx(2.0, rel=0.05)
    assert measured_by(outcomes_of(rehearsal(remedy()))).fewer_dispatches == {}


def test_no_ceiling_is_below_what_an_input_remedy_reached() -> None:
    run = rehearsal(remedy(changes=[{"kind": "insert-call", "call": "prefetch"}], batches="same"), 3.0)
    run.arms.append(Arm(id="step/input-free", role="ceiling", unit="step", remedy="input-free"))
    run.windows += make.windows("step/input-free", 0.02 / 2.8)
    assert measured_by(outcomes_of(run)).input_free[0].mid == pytest.approx(3.0, rel=0.05)


@pytest.mark.parametrize(
    ("batches", "weights", "found"),
    [
        ("same", "same", "exact"),
        ("same", "", "exact"),
        ("same", "close", "numerics"),
        ("different", "same", "semantics"),
        ("", "", None),
    ],
)
def test_safety_is_what_the_trial_found(batches: str, weights: str, found: str | None) -> None:
    assert verified(remedy(batches=batches, weights=weights)) == found


def test_quality_names_the_compared_numbers() -> None:
    assert quality(remedy(batches="same", weights="close")) == "weights equal but for rounding"
    assert quality(remedy(weights="same", why="shuffled")) == "batches not compared: shuffled"
    assert quality(remedy()) == quality(remedy(batches="same", weights="same")) == ""
    assert worst(["exact", "numerics", "exact"]) == "numerics"
    assert worst([]) == "exact"


def test_the_effect_in_continuous_stretches_is_promised() -> None:
    change = {"kind": "swap-calls", "vectorized": True}
    run = rehearsal(remedy(changes=[change], batches="same"), 8.0)
    run.arms.append(
        Arm(
            id="step/other",
            role="remedy",
            unit="step",
            remedy="other",
            changes=[{"kind": "insert-call"}],
            batches="same",
        )
    )
    run.windows += make.windows("step/other", 0.02 / 3)
    run.arms.append(Arm(id="stretch/baseline", role="baseline", unit="stretch"))
    run.arms.append(
        Arm(id="stretch/prefetch", role="prescription", unit="stretch", remedy="prefetch", changes=[change])
    )
    run.windows += [
        *make.windows("stretch/baseline", 0.02, rounds=4),
        *make.windows("stretch/prefetch", 0.02 / 4, rounds=4),
    ]
    by_id = {outcome.arm.id: outcome for outcome in outcomes_of(run)}
    assert by_id["step/prefetch"].comparison.mid == pytest.approx(4.0, rel=0.05)
    assert by_id["step/prefetch"].verdict == "measured"
    # 4× instead of 8× is two thirds of the effect, on a logarithmic scale.
    assert by_id["step/other"].comparison.mid == pytest.approx(3 ** (2 / 3), rel=0.05)


def test_a_gain_that_continuous_stretches_do_not_show_is_not_measured() -> None:
    change = {"kind": "set-argument", "argument": "steps_per_execution", "value": 8}
    run = rehearsal(remedy(changes=[change], batches="same"), 1.5)
    run.arms.append(Arm(id="stretch/baseline", role="baseline", unit="stretch"))
    run.arms.append(Arm(id="stretch/larger", role="prescription", unit="stretch", changes=[change]))
    run.windows += [*make.windows("stretch/baseline", 0.02, rounds=4), *make.windows("stretch/larger", 0.02, rounds=4)]
    assert {outcome.arm.id: outcome.verdict for outcome in outcomes_of(run)}["step/prefetch"] == "inconclusive"
