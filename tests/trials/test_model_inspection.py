"""What a look inside the model may cost, and what becomes of it."""

from __future__ import annotations

from dataclasses import asdict

from fitdoctor.recording.model import LayerStatistics, ModelInspection
from fitdoctor.trials.model_inspection import LEAST_ROWS, MOST_ROWS, look_s, rows_for, seen_inside
from tests import builders as make


def rows(
    backend: str = "tensorflow", *, step_s: float = 0.01, batch: int = 32, first_s: float = 1.0, seconds: float = 3.0
) -> int:
    fit = make.facts(make.fit(step_s=step_s, batch_size=batch, first_step=make.took(first_s, 1))).fits[0]
    found, why = rows_for(fit, backend, seconds)
    assert bool(why) == (found == 0)
    return found


def test_it_takes_a_small_share_of_the_budget() -> None:
    assert (look_s(20.0), look_s(600.0)) == (1.0, 3.0)


def test_a_quick_step_is_looked_at_whole_and_a_slow_one_in_part() -> None:
    assert (rows(), rows(batch=4), rows(batch=4096)) == (32, 4, MOST_ROWS)
    assert LEAST_ROWS <= rows(step_s=1.0) < 32
    assert rows(step_s=30.0) == 0


def test_on_jax_it_must_be_compiled() -> None:
    assert (rows("jax", step_s=1.0), rows("jax", first_s=5.0)) == (32, 0)


def test_what_the_child_saw_comes_back() -> None:
    look = ModelInspection(rows=8, loss=0.5, layers=[LayerStatistics(name="dense", kind="Dense", dead=0.5)])
    assert seen_inside({"inside": asdict(look)}) == look


def test_what_failed_says_why() -> None:
    assert seen_inside({"error": "no such layer"}).missing == "The inside of the model was not seen: no such layer."
