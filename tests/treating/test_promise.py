"""What is chosen of a diagnosis at each safety, and what is said when the training is over."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import Ending, ProcessRecord, Run, Treated
from fitdoctor.treating.diagnosis import Diagnosis
from fitdoctor.treating.promise import announcement, choose, conclusion
from tests.support import builders as make
from tests.support.diagnosed_runs import QUICK, diagnosed

TREATED = Treated(
    diagnosis="run", remedies=["prefetch"], promised_s=40, promised_low_s=36, promised_high_s=45, plain_s=60
)


def eager(**changed: Any) -> Diagnosis:
    """An eager step that a compiled one makes faster, with other rounding."""
    record = make.fit(step_s=0.02, function_s=0.018, epochs=50, run_eagerly=True, **changed)
    run: Run = diagnosed(make.run(record), {**QUICK, "step/compiled-step": 4.0})
    for arm in run.rehearsals[0].arms:
        arm.weights = "close"
    return Diagnosis(run=run, shown="run")


def test_numerics_must_be_allowed() -> None:
    with pytest.raises(
        FitdoctorError, match=r"same numbers.*“--allow numerics” would add compiled-step \(other rounding"
    ):
        choose(eager(), {"exact"})
    treated, more = choose(eager(), {"exact", "numerics"})
    assert (treated.remedies, treated.safety, more) == (["compiled-step"], "numerics", "")
    assert treated.promised_low_s < treated.promised_s < treated.promised_high_s < treated.plain_s
    assert not treated.to_target


def test_a_training_shorter_than_treat_itself_is_reported() -> None:
    assert "Write the changes into the script" not in announcement(replace(TREATED, own_s=1))
    assert "treat itself takes 20 s. Write the changes into the script" in announcement(replace(TREATED, own_s=20))


def test_callbacks_that_would_write_to_another_file_are_not_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fitdoctor.treating.promise.not_offered", lambda *_: [])  # it stands for one that is offered
    diagnosis = eager()
    for arm in diagnosis.run.rehearsals[0].arms:
        if arm.remedy == "compiled-step":
            arm.changes = [{**change, "argument": "save_weights_only"} for change in arm.changes]
    with pytest.raises(FitdoctorError, match="nothing was verified"):
        choose(diagnosis, {"exact", "numerics", "semantics"})


def said(seen: ProcessRecord | None, treated: Treated = TREATED, *, code: int = 0) -> list[str]:
    diagnosed_scout = ProcessRecord(fits=[make.fit(epochs=10)], ending=Ending(how="finished", code=0))
    return list(conclusion(treated, diagnosed_scout, seen, code=code, wall_s=41.0))


def test_a_complete_training_is_compared_with_its_promise() -> None:
    seen = ProcessRecord(fits=[make.fit(epochs=10, epochs_seen=10)], treated_calls=1)
    assert said(seen) == ["It took 41 s. Promised: 40 s [36 s, 45 s] instead of 1 min."]


def test_reasons_against_a_comparison_are_reported() -> None:
    fewer = ProcessRecord(fits=[make.fit(epochs=10, epochs_seen=4, stopped_at=4)])
    first, *more = said(fewer, code=-15)
    assert first.startswith("It took 41 s")
    assert more == [
        "It was ended by SIGTERM, but the promise is for a complete training.",
        "No change was applied: the training ran as written.",
        "train.py:18 trained 4 epochs, stopped by its own rule; the promise is for 10.",
    ]
    assert len(said(None)) == 1


def test_the_promise_of_a_race_is_the_time_to_a_loss() -> None:
    raced = Treated(promised_s=40, promised_low_s=36, promised_high_s=45, plain_s=60, to_target=True)
    assert (
        "the same loss" in said(ProcessRecord(fits=[make.fit(epochs=10, epochs_seen=10)], treated_calls=1), raced)[-1]
    )


def test_a_time_outside_the_promise_is_reported_with_its_start_up() -> None:
    seen = ProcessRecord(
        fits=[make.fit(epochs=10, epochs_seen=10)], treated_calls=1, parts={"start": 1.0, "imports": 4.0}
    )
    for promised_s, how in ((20.0, "longer"), (90.0, "shorter")):
        treated = replace(
            TREATED, promised_s=promised_s, promised_low_s=promised_s - 5, promised_high_s=promised_s + 5, plain_s=120
        )
        took, outside = said(seen, treated)
        assert took.startswith("It took 41 s. Promised: ")
        assert outside.startswith(f"That is {how} than promised. It reached its first call after 5.0 s; ")


def test_an_unapplied_treatment_is_not_compared_with_its_promise() -> None:
    took, nothing = said(ProcessRecord(fits=[make.fit(epochs=10, epochs_seen=10)]))
    assert took == "It took 41 s."
    assert nothing == "No change was applied: the training ran as written."
    assert said(ProcessRecord())[-1] == "No change was applied: the training did not reach the calls to change."


def test_the_time_of_treat_itself_is_reported() -> None:
    assert "Promised: 41 s [37 s, 46 s] instead of 1 min, 1.0 s of it for treat itself" in announcement(
        replace(TREATED, own_s=1)
    )
