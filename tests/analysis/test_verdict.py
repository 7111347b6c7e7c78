"""Which runs are called causes, healthy and inconclusive, and the sentence that says why."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.analysis import build
from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import Run, Window
from tests.support import builders as make
from tests.support.diagnosed_runs import QUICK, diagnosed


def noisy(run: Run) -> None:
    rehearsal = run.rehearsals[0]
    rehearsal.windows = [w for w in rehearsal.windows if w.arm != "step/placebo"] + make.windows("step/placebo", 0.03)
    rehearsal.windows = [w for w in rehearsal.windows if "larger" not in w.arm]


def crowded(run: Run) -> None:
    rehearsal = run.rehearsals[0]
    rehearsal.windows = [
        Window(
            arm=w.arm,
            round=w.round,
            order=0,
            seconds=w.seconds * (2 if (w.round + len(w.arm)) % 3 else 1),
            units=10,
            queue_s=9,
        )
        for w in rehearsal.windows
    ]


def test_a_healthy_run_names_the_largest_part() -> None:
    report = build(diagnosed(make.run(make.fit(step_s=0.2, function_s=0.199, epochs=20)), QUICK))
    assert report.verdict == "healthy"
    assert [(cause.id, cause.status) for cause in report.causes] == [("compute-bound", "informative")]
    assert report.prescription is None
    assert "The device computes 9" in report.verdict_text


def test_a_healthy_run_whose_suspicion_was_refuted() -> None:
    report = build(diagnosed(make.run(make.fit(step_s=0.004, epochs=100)), QUICK))
    assert report.verdict == "healthy"
    assert report.causes == ()
    assert "Tried 2 fixes on the step of train.py:18. None saved 5 %" in report.verdict_text


def test_a_faster_step_without_a_faster_training_is_no_cause() -> None:
    run = make.run(make.fit(step_s=0.004, epochs=30), start=30.0)
    report = build(diagnosed(run, {**QUICK, "step/larger-execution-8": 1.2, "step/larger-execution-32": 1.2}))
    assert report.verdict == "healthy"
    assert {arm.verdict for arm in report.tried if arm.unit == "step" and arm.role == "remedy"} == {"measured"}


def test_slow_input_without_a_remedy_is_not_healthy() -> None:
    record = make.fit(input_kind="tf.data", operations=make.chain(("TFRecordDataset", 3), ("batch", 4)), epochs=50)
    report = build(diagnosed(make.run(record), {"step/input-free": 3.0}))
    assert report.verdict == "inconclusive"
    assert "waiting for the input of train.py:18. Free input would make it" in report.verdict_text


def test_a_short_wait_for_input_is_healthy() -> None:
    record = make.fit(input_kind="tf.data", operations=make.chain(("TFRecordDataset", 3), ("batch", 4)), epochs=50)
    report = build(diagnosed(make.run(record), {"step/input-free": 1.3}))
    assert report.verdict == "healthy"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda run: run.rehearsals.clear(), "no fix could be tried"),
        (noisy, "timed twice differed by"),
        (noisy, "too noisy. Close other programs"),
        (noisy, "larger --budget"),
        (crowded, "other programs used the machine. Close other programs"),
    ],
)
def test_inconclusive_says_why(change: Any, why: str) -> None:
    run = diagnosed(make.run(make.fit(step_s=0.001, epochs=400)), QUICK)
    change(run)
    report = build(run)
    assert report.verdict == "inconclusive"
    assert why in report.verdict_text
    assert "dispatch-bound-steps" in report.verdict_text
    assert [cause.id for cause in report.causes] == ["dispatch-bound-steps"]


def test_a_run_with_an_unproven_gain_is_not_healthy() -> None:
    run = diagnosed(make.run(make.fit(step_s=0.004, epochs=400)), QUICK)
    wide = [w for arm in ("step/larger-execution-8", "step/larger-execution-32") for w in swinging(arm)]
    run.rehearsals[0].windows = [w for w in run.rehearsals[0].windows if "larger-execution-32" not in w.arm] + wide[8:]
    report = build(run)
    assert report.verdict == "inconclusive"
    assert "could not be proven. Run it again with a larger --budget" in report.verdict_text


def swinging(arm: str) -> list[Window]:
    return [Window(arm=arm, round=at, order=0, seconds=0.1 if at % 2 else 0.25, units=10) for at in range(8)]


def test_a_timed_cost_without_a_remedy_is_a_cause() -> None:
    steering = make.callback(hooks={"on_epoch_end": make.took(2.0, 2)}, steers=True)
    report = build(diagnosed(make.run(make.fit(callbacks=[steering])), QUICK))
    assert report.verdict == "causes"
    (cause,) = [cause for cause in report.causes if cause.status != "informative"]
    assert (cause.id, cause.status) == ("slow-callback", "measured")
    assert cause.remedies[0].status == "untried"
    assert "no fix could be tried" in report.verdict_text
    assert report.prescription is None


def test_rarer_validation_is_shown_with_its_computed_saving() -> None:
    record = make.fit(
        validation="data",
        validation_kind="arrays",
        validation_steps=20,
        validation_step=make.took(0.1, 30),
        validation_overhead=make.took(0.01, 2),
    )
    report = build(diagnosed(make.run(record), QUICK))
    cause = next(cause for cause in report.causes if cause.id == "excessive-validation")
    rarer = next(remedy for remedy in cause.remedies if remedy.id == "rarer-validation")
    assert rarer.status == "untried"
    assert rarer.speedup is not None
    assert f"training {rarer.speedup.mid:.2f}× as fast" in " ".join(str(report).split())
    assert report.verdict == "causes"


def test_early_stopping_makes_the_lower_bound_decide() -> None:
    stopper = make.callback("EarlyStopping", own=False, hooks={}, may_stop=True)
    record = make.fit(step_s=0.001, epochs=5000, callbacks=[stopper])
    report = build(diagnosed(make.run(record), {**QUICK, "step/larger-execution-8": 3, "step/larger-execution-32": 3}))
    assert report.training.basis == "upper bound"
    assert report.verdict == "healthy"


def test_no_training_is_inconclusive_and_no_scout_an_error() -> None:
    assert build(make.run()).verdict == "inconclusive"
    assert "No training was detected" in build(make.run()).verdict_text
    with pytest.raises(FitdoctorError, match="without a recording"):
        build(Run())
