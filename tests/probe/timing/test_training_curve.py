"""The course of a fit is recorded in constant memory."""

from __future__ import annotations

import warnings
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.timing.training_curve import MOST_BLOCKS, MOST_ROWS, TrainingCurve, memory_bytes
from fitdoctor.probe.trainer.learning_rate import constant as learning_rate
from fitdoctor.recording.model import Fit, Site


def record() -> Fit:
    return Fit(site=Site(file="train.py", line=1))


@pytest.mark.parametrize("steps", [1, 63, 64, 1000, 54_321])
def test_blocks_hold_all_steps_evenly_in_constant_memory(steps: int) -> None:
    fit = record()
    curve = TrainingCurve(fit)
    for number in range(steps):
        curve.step(0.001 * number)
    assert len(fit.blocks) < MOST_BLOCKS
    assert len({block.steps for block in fit.blocks}) == 1
    held = sum(block.steps for block in fit.blocks)
    assert steps - fit.blocks[0].steps < held <= steps
    assert sum(block.seconds for block in fit.blocks) == pytest.approx(0.001 * held * (held - 1) / 2)


def test_a_later_call_continues_the_record_of_the_first() -> None:
    fit = record()
    for call in range(40):
        fit.calls_run, fit.epochs_seen = call, call + 1
        curve = TrainingCurve(fit)
        for _ in range(100):
            curve.step(0.01)
        curve.epoch_ends(0, 1.0, 100, {"loss": 1.0})
    assert len(fit.blocks) < MOST_BLOCKS
    assert [row.call for row in fit.curve] == list(range(40))


def test_a_long_curve_is_thinned_and_keeps_its_last_row_and_its_scores() -> None:
    fit = record()
    curve = TrainingCurve(fit)
    for number in range(5000):
        curve.epoch_begins()
        fit.epochs_seen = number + 1
        curve.epoch_ends(number, number + 1.0, 10, {"loss": 1.0} | ({"val_loss": 0.5} if number % 2 else {}))
    assert MOST_ROWS / 2 <= len(fit.curve) <= MOST_ROWS + 1
    assert fit.curve[-1].number == 4999
    numbers = [row.number for row in fit.curve]
    assert numbers == sorted(numbers)
    assert all("val_loss" in row.logs for row in fit.curve[:-1])
    gaps = {after - before for before, after in pairwise(numbers)}
    assert max(gaps) <= 32


def test_only_finite_logs_are_recorded() -> None:
    fit = record()
    curve = TrainingCurve(fit)
    curve.learning_rate = 0.1
    curve.epoch_ends(0, 1.0, 1, {"loss": float("inf"), "accuracy": 1, "name": "x", "none": None})
    assert fit.curve[0].logs == {"accuracy": 1.0}
    assert fit.curve[0].learning_rate == 0.1


def test_an_unreadable_learning_rate_is_none() -> None:
    assert learning_rate(None) is None
    assert learning_rate(object()) is None


class Array(np.ndarray):
    """An array like those of JAX."""

    is_fully_addressable = True

    def is_deleted(self) -> bool:
        return False

    def devices(self) -> list[Any]:
        return [SimpleNamespace(platform="cpu")]


Array.__module__ = "jaxlib"


class Variable:
    """A variable like those of Keras. NumPy 2 warns when it converts one."""

    _value = np.full((), 0.25, dtype=np.float32).view(Array)

    def numpy(self) -> Any:
        return np.array(self)

    def __array__(self, dtype: Any = None) -> Any:
        return np.asarray(self._value, dtype)


def test_a_learning_rate_is_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert learning_rate(SimpleNamespace(_learning_rate=Variable())) == 0.25


def test_memory_is_that_of_this_process() -> None:
    assert 10**6 < memory_bytes() < 10**12
