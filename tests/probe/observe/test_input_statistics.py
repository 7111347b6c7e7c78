"""Statistics of arrays, without a framework."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fitdoctor.probe.observe import input_statistics
from fitdoctor.probe.trials.race import initial_weights


def test_each_feature_has_its_own_statistics() -> None:
    values = np.stack([np.arange(100.0), np.full(100, 7.0)], axis=1)
    found = input_statistics.statistics_of(values)
    assert found is not None
    assert (found.rows, found.features, found.whole) == (100, 2, True)
    assert found.mean == pytest.approx([49.5, 7.0])
    assert found.std == pytest.approx([np.std(np.arange(100)), 0], rel=1e-4)
    assert (found.low, found.high) == ([0, 7], [99, 7])


def test_the_last_axis_holds_the_features() -> None:
    images = np.zeros((5, 8, 8, 3))
    found = input_statistics.statistics_of(images)
    assert found is not None
    assert (found.features, len(found.mean)) == (3, 3)
    single = input_statistics.statistics_of(np.arange(9.0))
    assert single is not None
    assert single.features == 1


def test_very_many_features_are_sampled() -> None:
    found = input_statistics.statistics_of(np.zeros((20, 5000)))
    assert found is not None
    assert (found.features, len(found.mean)) == (5000, input_statistics.LISTED_FEATURES)


def test_missing_values_are_skipped_and_texts_have_no_statistics() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.inf]])
    found = input_statistics.statistics_of(values)
    assert found is not None
    assert found.mean == [2.0]
    assert input_statistics.statistics_of(np.array(["a", "b"])) is None
    assert input_statistics.statistics_of(np.array([[1, 2.5]], dtype=object)) is not None
    assert input_statistics.statistics_of(np.array([["a", 2.5]], dtype=object)) is None
    assert input_statistics.statistics_of(np.zeros((0, 3))) is None


def test_initial_weights_are_told_from_trained_ones() -> None:
    dice = np.random.default_rng(0)
    drawn = [dice.normal(size=(20, 10)), np.zeros(10)]
    assert initial_weights.looks_fresh([dice.normal(size=(20, 10)), np.zeros(10)], drawn)
    assert not initial_weights.looks_fresh([dice.normal(size=(20, 10)) * 5, np.zeros(10)], drawn)
    assert not initial_weights.looks_fresh([dice.normal(size=(20, 10)), np.full(10, 0.1)], drawn)
    assert not initial_weights.looks_fresh([dice.normal(size=(20, 11)), np.zeros(10)], drawn)


NUMBERS = st.one_of(st.integers(-5, 5).map(float), st.floats(-1e6, 1e6), st.sampled_from([np.nan, np.inf]))


@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 40), st.integers(1, 4)), elements=NUMBERS))
def test_the_statistics_equal_those_of_numpy(values: np.ndarray) -> None:
    found = input_statistics.statistics_of(values)
    columns = [column[np.isfinite(column)] for column in values.T]
    columns = [column for column in columns if column.size]
    if not columns:
        assert found is None
        return
    assert found is not None
    for ours, theirs in ((found.mean, np.mean), (found.std, np.std), (found.low, np.min), (found.high, np.max)):
        assert ours == pytest.approx([theirs(column) for column in columns], rel=1e-5, abs=1e-5)
    assert found.zeros == pytest.approx(np.mean(values == 0), abs=1e-5)
    assert found.nonfinite == pytest.approx(np.mean(~np.isfinite(values)), abs=1e-5)
    whole = [(column == np.round(column)).all() for column in columns]
    assert found.distinct == [
        len(set(column)) if is_whole else 0 for column, is_whole in zip(columns, whole, strict=True)
    ]


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=60))
def test_classes_are_counted_as_numbers_and_one_hot(labels: list[int]) -> None:
    counts = [labels.count(label) for label in set(labels)]
    runs = 1 + sum(before != after for before, after in pairwise(labels))
    for values in (np.array(labels), np.array(labels, dtype="float32")[:, None]):
        found = input_statistics.statistics_of(values)
        assert found is not None
        assert (found.classes, found.runs) == (len(counts), runs)
        assert found.largest == pytest.approx(max(counts) / len(labels), rel=1e-5)
    hot = input_statistics.statistics_of(np.eye(7)[np.array(labels) + 3])
    assert hot is not None
    assert (hot.classes, hot.runs) == (7, runs)
    assert hot.largest == pytest.approx(max(counts) / len(labels), rel=1e-5)


@pytest.mark.parametrize(
    "values", [np.array([[1, 1], [0, 1]]), np.array([[0.5], [1.0]]), np.array([[1.0], [np.nan]]), np.ones((4, 3, 1))]
)
def test_data_other_than_one_class_per_row_has_no_classes(values: np.ndarray) -> None:
    found = input_statistics.statistics_of(values)
    assert found is not None
    assert (found.classes, found.largest, found.runs) == (0, 0.0, 0)


def test_only_data_in_memory_is_read_in_a_real_training(tmp_path: Path) -> None:
    mapped = np.memmap(tmp_path / "x", dtype="float32", mode="w+", shape=(20, 2))
    assert input_statistics.in_memory(np.zeros(3))
    assert input_statistics.in_memory([1, 2])
    assert not input_statistics.in_memory(mapped)
    assert not input_statistics.in_memory(np.asarray(mapped)[::2])


def test_inputs_targets_and_weights_have_separate_statistics() -> None:
    bound = {"x": {"b": np.ones((30, 2)), "a": np.zeros(30)}, "y": np.arange(30) % 3, "sample_weight": None}
    found = dict(input_statistics._samples(bound, "arrays", draw=False, sample=input_statistics.LIGHT))
    assert list(found) == ["x['a']", "x['b']", "y"]
    assert [input_statistics.argument_of(name) for name in found] == ["x", "x", "y"]
    assert list(dict(input_statistics.sampled(bound["x"], "arrays", draw=True))) == ["x['a']", "x['b']"]
