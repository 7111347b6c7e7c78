from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from fitdoctor.report.compare import Comparison, Side, compare
from fitdoctor.report.model import Report
from fitdoctor.report.text_compare import render_comparison
from tests.support.report_samples import BUDGET, ENVIRONMENT, HEALTHY, MISSING_PREFETCH, SLOW, TRAINING


def compared(a: Report, b: Report) -> Comparison:
    return compare(Side(name="before", report=a), Side(name="after", report=b))


def test_the_same_run_has_no_difference() -> None:
    found = compared(SLOW, SLOW)
    assert (found.ratio, found.differences) == (1.0, ())
    assert {part.difference_s for part in found.parts} == {0.0}
    assert {cause.change for cause in found.causes} == {"still"}
    assert ": the same." in render_comparison(found)


def test_parts_add_up_to_the_whole_on_both_sides() -> None:
    found = compared(SLOW, HEALTHY)
    assert sum(part.a_s for part in found.parts) == pytest.approx(SLOW.budget.total_s, rel=0.01)
    assert sum(part.b_s for part in found.parts) == pytest.approx(HEALTHY.budget.total_s, rel=0.01)


def test_causes_are_gone_new_or_still_there() -> None:
    only_prefetch = replace(SLOW, causes=(MISSING_PREFETCH,))
    assert [(cause.id, cause.change) for cause in compared(SLOW, only_prefetch).causes] == [
        ("python-in-pipeline", "gone"),
        ("missing-prefetch", "still"),
    ]
    assert [cause.change for cause in compared(only_prefetch, SLOW).causes] == ["still", "new"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"script": "other.py"}, "script: train.py in A, other.py in B"),
        ({"environment": replace(ENVIRONMENT, cores=16)}, "cores: 2 in A, 16 in B"),
        ({"environment": replace(ENVIRONMENT, keras="3.9.0")}, "Keras: 3.15.1 in A, 3.9.0 in B"),
        ({"environment": replace(ENVIRONMENT, devices=("NVIDIA H200",))}, "devices: CPU in A, NVIDIA H200 in B"),
        ({"training": replace(TRAINING, fits=(replace(TRAINING.fits[0], epochs=10),))}, "epochs: 50 in A, 10 in B"),
        (
            {"training": replace(TRAINING, fits=(replace(TRAINING.fits[0], steps_per_epoch=31),))},
            "steps per epoch: 313 in A, 31 in B",
        ),
        ({"training": replace(TRAINING, fits=())}, "1 fit in A, 0 fits in B"),
        ({"fitdoctor": "9.9"}, "version of fitdoctor"),
        ({"stage": "first answer"}, "a projection from a part of the training in B"),
        (
            {"interrupted": "The diagnosis was interrupted. No fix was tried."},
            "B is incomplete: The diagnosis was interrupted",
        ),
    ],
)
def test_unfair_differences_come_first(changed: dict[str, object], words: str) -> None:
    found = compared(SLOW, replace(SLOW, **changed))  # type: ignore[arg-type]
    assert any(words in difference for difference in found.differences)
    text = render_comparison(found)
    assert text.index("Unfair comparison") < text.index("in A, ") or "as fast" not in text
    assert text.index("Unfair comparison") < text.index("Where the time goes")


def test_another_batch_size_is_not_another_amount_of_data() -> None:
    halved = replace(TRAINING.fits[0], batch_size=64, steps_per_epoch=157)
    found = compared(SLOW, replace(SLOW, training=replace(TRAINING, fits=(halved,))))
    assert found.differences == ("batch size: 32 in A, 64 in B",)


def test_a_comparison_claims_no_proof() -> None:
    text = " ".join(
        render_comparison(compared(SLOW, replace(SLOW, training=replace(TRAINING, projected_s=100.0)))).split()
    )
    assert "B was 25× as fast as A" in text
    assert "This compares one run with one run." in text


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"script": "other.py"}, "they are different scripts"),
        ({"interrupted": "The training was interrupted in epoch 3 of 6.", "stage": "watched"}, "B was interrupted"),
    ],
)
def test_incomparable_runs_get_no_ratio(changed: dict[str, object], why: str) -> None:
    found = compared(SLOW, replace(SLOW, **changed))  # type: ignore[arg-type]
    assert (found.ratio, found.incomparable) == (None, why)
    text = " ".join(render_comparison(found).split())
    assert f"These times can't be compared: {why}." in text
    assert "as fast as" not in text


def test_steps_are_compared_as_a_whole_if_only_one_run_has_their_parts() -> None:
    watched = replace(
        BUDGET, parts=(replace(BUDGET.parts[2], id="step", label="steps (input and compute)"), *BUDGET.parts[5:])
    )
    found = compared(replace(SLOW, budget=watched), SLOW)
    whole = next(part for part in found.parts if part.id == "step")
    assert (whole.a_s, whole.b_s) == (pytest.approx(0.68 * 2480), pytest.approx(0.901 * 2480))
    assert {part.id for part in found.parts}.isdisjoint({"input_wait", "device", "host"})


def test_tiny_parts_are_left_out() -> None:
    rows = render_comparison(compared(SLOW, SLOW)).split("Where the time goes")[1].split("Causes")[0].splitlines()
    assert "metrics and logs" not in " ".join(rows)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_too_wide(width: int) -> None:
    text = render_comparison(compared(SLOW, HEALTHY), width=width)
    assert max(map(cell_len, text.splitlines())) <= width
