"""What the inspection of a model may cost, and its result."""

from __future__ import annotations

from dataclasses import asdict

from fitdoctor.recording.model import LayerStatistics, ModelInspection
from fitdoctor.recording.trial_protocol import Failed, ModelInspected
from fitdoctor.trials.model_inspection import LEAST_ROWS, MOST_ROWS, inspection_s, read_inspection, rows_for
from tests.support import builders as make


def rows(
    backend: str = "tensorflow", *, step_s: float = 0.01, batch: int = 32, first_s: float = 1.0, seconds: float = 3.0
) -> int:
    fit = make.facts(make.fit(step_s=step_s, batch_size=batch, first_step=make.took(first_s, 1))).fits[0]
    found, why = rows_for(fit, backend, seconds)
    assert bool(why) == (found == 0)
    return found


def test_an_inspection_takes_a_small_share_of_the_budget() -> None:
    assert (inspection_s(20.0), inspection_s(600.0)) == (1.0, 3.0)


def test_a_slow_step_is_inspected_with_fewer_rows_of_its_batch() -> None:
    assert (rows(), rows(batch=4), rows(batch=4096)) == (32, 4, MOST_ROWS)
    assert LEAST_ROWS <= rows(step_s=1.0) < 32
    assert rows(step_s=30.0) == 0


def test_on_jax_there_must_be_time_to_compile_the_pass() -> None:
    assert (rows("jax", step_s=1.0), rows("jax", first_s=5.0)) == (32, 0)


def test_a_reply_is_read_as_an_inspection() -> None:
    found = ModelInspection(rows=8, loss=0.5, layers=[LayerStatistics(name="dense", kind="Dense", dead=0.5)])
    assert read_inspection(ModelInspected(inside=asdict(found))) == found


def test_a_failed_inspection_says_why() -> None:
    assert read_inspection(Failed(error="no such layer")).missing == "The model could not be inspected: no such layer."
