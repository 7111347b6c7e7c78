"""Inputs are scaled by their mean and deviation."""

from __future__ import annotations

import numpy as np
import pytest

from fitdoctor.changes.model import Place, ScaleInput
from fitdoctor.probe.apply import scaling

PLACE = Place(file="train.py", line=1)


def test_each_feature_has_its_own_scale() -> None:
    values = np.random.default_rng(0).normal([5, 1e5], [2, 3e4], size=(500, 2))
    found = scaling.scale_of(values, together=False)
    scaled = (values - found.mean) / found.deviation
    assert scaled.mean(axis=0) == pytest.approx([0, 0], abs=1e-3)
    assert scaled.std(axis=0) == pytest.approx([1, 1], abs=1e-3)


def test_all_features_share_one_scale() -> None:
    found = scaling.scale_of(np.array([[0.0, 10.0], [0.0, 10.0]]), together=True)
    assert (float(found.mean), float(found.deviation)) == (5, 5)


def test_a_constant_feature_is_not_amplified() -> None:
    found = scaling.scale_of(np.array([[3.0, 1e9], [3.0, 1e9 + 1]]), together=False)
    assert found.deviation.tolist() == [1, 1]


class Model:
    inputs = ()

    def call(self, inputs: object) -> object:
        return inputs


def test_other_changes_scale_nothing() -> None:
    model = Model()
    assert scaling.wanted({"x": np.zeros((3, 1))}, []) == []
    scaling.put_in_front(model, [])()
    assert "call" not in vars(model)


def test_missing_parts_are_an_error() -> None:
    change = ScaleInput(place=PLACE, call="Model.fit", argument="x", parts=["x['age']"])
    with pytest.raises(ValueError, match="other parts"):
        scaling.wanted({"x": np.zeros((3, 1))}, [change])


def test_only_named_parts_are_scaled() -> None:
    change = ScaleInput(place=PLACE, call="Model.fit", argument="x", parts=["x['b']"])
    first, second = scaling.wanted({"x['a']": np.ones((3, 1)), "x['b']": np.arange(3.0)}, [change])
    assert first is None
    assert second is not None
    assert float(second.mean[0]) == 1
