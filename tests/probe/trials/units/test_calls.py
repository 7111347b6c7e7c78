"""Calls that are replaced by others, and their results."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import Place, ReplaceCall
from fitdoctor.probe.observe import single_batch_fits
from fitdoctor.probe.trials.units import calls

ROWS = np.ones((4, 2))


class Accumulating:
    """A model whose metrics accumulate from step to step, as those of Keras before 2026 do."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def reset_metrics(self) -> None:
        self.seen.clear()

    def test_on_batch(self, x: Any, y: Any = None, **_: Any) -> dict[str, float]:
        self.seen.append(float(np.mean(x)))
        return {"loss": sum(self.seen) / len(self.seen)}

    train_on_batch = test_on_batch


@pytest.fixture
def history(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stands in for Keras' `History`."""
    made = SimpleNamespace(set_model=lambda _: None, set_params=lambda _: None)
    monkeypatch.setitem(
        sys.modules, "keras", SimpleNamespace(callbacks=SimpleNamespace(History=lambda: SimpleNamespace(**vars(made))))
    )


def test_a_replaced_evaluation_does_not_include_earlier_rows() -> None:
    model, change = (
        Accumulating(),
        ReplaceCall(place=Place(file="train.py", line=1), call="evaluate", replacement="test_on_batch"),
    )
    said = [
        calls.make_replacement(change, model, {"x": ROWS * factor, "return_dict": True})["loss"] for factor in (1, 3)
    ]
    assert said == [1.0, 3.0]


@pytest.mark.usefixtures("history")
def test_the_history_of_a_replaced_fit_does_not_include_earlier_steps() -> None:
    model, bound = (
        Accumulating(),
        {"y": None, "sample_weight": None, "class_weight": None, "epochs": 1, "initial_epoch": 0},
    )
    said = [single_batch_fits.train(model, {"x": ROWS * factor, **bound}).history for factor in (1, 3)]
    assert said == [{"loss": [1.0]}, {"loss": [3.0]}]


@pytest.mark.parametrize(
    ("given", "may"),
    [
        ({}, True),
        ({"callbacks": [], "steps": None}, True),
        ({"steps": 1}, True),
        ({"steps": 1, "batch_size": 2}, False),
        ({"steps": 2}, False),
        ({"callbacks": [object()]}, False),
    ],
)
def test_a_call_with_more_to_do_than_one_batch_is_not_replaced(given: dict[str, Any], may: bool) -> None:
    assert [calls.is_replaceable(kind, None, {"x": ROWS, **given}) for kind in ("predict", "evaluate")] == [may, may]
