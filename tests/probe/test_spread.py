"""How the numbers of arrays are spread: no framework is needed for that."""

from __future__ import annotations

import numpy as np
import pytest

from fitdoctor.probe import fresh, spread


def test_each_feature_has_its_own_figures() -> None:
    values = np.stack([np.arange(100.0), np.full(100, 7.0)], axis=1)
    found = spread.of(values)
    assert found is not None
    assert (found.rows, found.features, found.whole) == (100, 2, True)
    assert found.mean == pytest.approx([49.5, 7.0])
    assert found.std == pytest.approx([np.std(np.arange(100)), 0], rel=1e-4)
    assert (found.low, found.high) == ([0, 7], [99, 7])


def test_the_last_axis_holds_the_features() -> None:
    images = np.zeros((5, 8, 8, 3))
    found = spread.of(images)
    assert found is not None
    assert (found.features, len(found.mean)) == (3, 3)
    single = spread.of(np.arange(9.0))
    assert single is not None
    assert single.features == 1


def test_of_very_many_features_some_are_looked_at() -> None:
    found = spread.of(np.zeros((20, 5000)))
    assert found is not None
    assert (found.features, len(found.mean)) == (5000, spread.LISTED_FEATURES)


def test_gaps_are_left_out_and_words_are_no_numbers() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.inf]])
    found = spread.of(values)
    assert found is not None
    assert found.mean == [2.0]
    assert spread.of(np.array(["a", "b"])) is None
    assert spread.of(np.array([[1, 2.5]], dtype=object)) is not None
    assert spread.of(np.array([["a", 2.5]], dtype=object)) is None
    assert spread.of(np.zeros((0, 3))) is None


def test_parts_are_named_in_the_order_in_which_they_are_flattened() -> None:
    x = np.zeros((3, 1))
    assert [name for name, _ in spread.parts({"b": x, "a": [x, x]})] == ["x['a'][0]", "x['a'][1]", "x['b']"]
    assert [name for name, _ in spread.parts([[1, 2], [3, 4]])] == ["x"]


def test_drawn_weights_look_fresh_and_trained_ones_do_not() -> None:
    dice = np.random.default_rng(0)
    drawn = [dice.normal(size=(20, 10)), np.zeros(10)]
    assert fresh.looks_fresh([dice.normal(size=(20, 10)), np.zeros(10)], drawn)
    assert not fresh.looks_fresh([dice.normal(size=(20, 10)) * 5, np.zeros(10)], drawn)
    assert not fresh.looks_fresh([dice.normal(size=(20, 10)), np.full(10, 0.1)], drawn)
    assert not fresh.looks_fresh([dice.normal(size=(20, 11)), np.zeros(10)], drawn)
