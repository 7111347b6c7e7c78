from __future__ import annotations

from fitdoctor.diagnosis.stage import stage_reached
from fitdoctor.recording.model import Rehearsal
from tests.causes import test_predict_in_a_loop, test_retracing
from tests.support import builders as make


def test_a_recording_without_trials_is_a_first_answer() -> None:
    run = test_predict_in_a_loop.bad().run
    assert stage_reached(run) == "first answer"
    run.rehearsals.append(Rehearsal())
    assert stage_reached(run) == "final"


def test_a_measured_cost_without_anything_to_try_is_final() -> None:
    run = test_retracing.bad().run
    assert run.scout is not None
    run.scout.fits.clear()
    assert stage_reached(run) == "final"


def test_an_empty_recording_is_a_first_answer() -> None:
    assert stage_reached(make.run()) == "first answer"
