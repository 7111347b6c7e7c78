"""The movement of weights is sampled, and only as often as that is cheap."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.probe.observe import weight_movement
from fitdoctor.probe.observe.weight_movement import (
    ENTRIES,
    MOST_READINGS,
    MOST_WEIGHTS,
    ONCE_S,
    ReadingBudget,
    WeightMovement,
)
from fitdoctor.recording.model import Fit, SampledWeights, Site

READING_S = 0.001


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Weight:
    """A variable whose values are an array that a test changes. A reading of it takes a millisecond."""

    def __init__(self, path: str, values: Any, clock: Clock) -> None:
        self.path, self.values, self._clock = path, np.asarray(values, dtype=float), clock

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.values.shape)

    def taken(self, index: Any) -> Any:
        self._clock.now_s += READING_S
        return self.values.reshape(-1)[index].copy()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(weight_movement.variable_reader, "entries", lambda variable, index: variable.taken(index))
    return Clock()


def fit() -> Fit:
    return Fit(site=Site(file="train.py", line=1))


def following(record: Fit, clock: Clock, *weights: Weight, budget: ReadingBudget | None = None) -> WeightMovement:
    model = SimpleNamespace(trainable_variables=list(weights))
    return WeightMovement(record, model, budget or ReadingBudget(clock), clock)


def kept(record: Fit) -> SampledWeights:
    assert record.weights is not None
    return record.weights


def test_a_reading_has_the_size_and_the_movement(clock: Clock) -> None:
    record, kernel, bias = fit(), Weight("dense/kernel", [[3.0, -3.0]], clock), Weight("dense/bias", [1.0], clock)
    weights = following(record, clock, kernel, bias)
    weights.read(0, 0.1)
    kernel.values = kernel.values + 4.0
    clock.now_s += 1.0
    weights.read(1, 2.0)
    found = kept(record)
    assert (found.names, found.sizes) == (["dense/kernel"], [2])
    first, second = found.readings
    assert (first.epoch, first.since, first.rms, first.moved) == (0, 0, [3.0], [])
    assert (second.epoch, second.since, second.moved) == (1, 1, [4.0])
    assert found.cost_s == pytest.approx(2 * READING_S)


@given(st.integers(1, 100_000))
def test_entries_are_a_fixed_and_even_sample(size: int) -> None:
    model = SimpleNamespace(trainable_variables=[SimpleNamespace(shape=(size, 1), path="kernel")])
    (chosen,) = weight_movement._chosen(model)
    assert len(chosen.index) == min(size, ENTRIES)
    assert (chosen.index[0], chosen.index[-1]) == (0, size - 1)
    assert np.ptp(np.diff(chosen.index)) <= 1 if size > 1 else True


def test_very_many_weights_are_sampled_with_the_first_and_the_last(clock: Clock) -> None:
    weights = [Weight(str(number), [[1.0]], clock) for number in range(1000)]
    chosen = weight_movement._chosen(SimpleNamespace(trainable_variables=weights))
    assert len({each.variable.path for each in chosen}) == MOST_WEIGHTS
    assert (chosen[0].variable.path, chosen[-1].variable.path) == ("0", "999")


@pytest.mark.parametrize("epochs", [1, 31, 32, 33, 500, 5000])
def test_readings_stay_few_and_cover_the_whole_fit(clock: Clock, epochs: int) -> None:
    record, kernel = fit(), Weight("kernel", [[0.0]], clock)
    weights = following(record, clock, kernel)
    for epoch in range(epochs + 1):
        weights.read(epoch, float(epoch))
        kernel.values = kernel.values + 1.0
        clock.now_s += 10.0
    found = kept(record).readings
    assert len(found) <= MOST_READINGS
    assert found[0].epoch == 0
    assert found[-1].epoch > 0.9 * epochs
    assert all(
        reading.moved == [reading.since] for reading in found[1:]
    )  # one a epoch, whatever was left out in between


def test_many_short_fits_keep_readings_with_movement(clock: Clock) -> None:
    record, kernel = fit(), Weight("kernel", [[0.0]], clock)
    budget = ReadingBudget(clock)
    for call in range(1, 200):
        record.calls_run = call
        weights = following(record, clock, kernel, budget=budget)
        weights.read(0, 0.0)
        kernel.values = kernel.values + 1.0
        clock.now_s += 10.0
        weights.read(1, 10.0)
    found = kept(record).readings
    assert len(found) <= MOST_READINGS
    assert found[-1].call > 150
    assert sum(bool(reading.moved) for reading in found) >= len(found) / 2


def test_expensive_readings_are_rarer(clock: Clock) -> None:
    record, budget = fit(), ReadingBudget(clock)
    weights = following(record, clock, *(Weight(str(number), [[1.0]], clock) for number in range(10)), budget=budget)
    for epoch in range(1000):
        weights.read(epoch, 0.0)
        clock.now_s += 0.5
        assert budget.spent_s <= ONCE_S + weight_movement.SHARE * clock.now_s + 10 * READING_S
    assert 2 < len(kept(record).readings) <= MOST_READINGS
    assert budget.spent_s < 0.01 * clock.now_s


def test_weights_without_values_give_no_reading(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    record = fit()
    monkeypatch.setattr(weight_movement.variable_reader, "entries", lambda *_: None)
    following(record, clock, Weight("kernel", [[1.0]], clock)).read(0, 0.0)
    assert record.weights is None


def test_values_that_are_not_finite_are_none(clock: Clock) -> None:
    record, kernel = fit(), Weight("kernel", [[1.0, 1.0]], clock)
    weights = following(record, clock, kernel)
    weights.read(0, 0.0)
    kernel.values = np.array([[1.0, np.nan]])
    weights.read(1, 0.0)
    assert kept(record).readings[1].rms == kept(record).readings[1].moved == [None]
