"""Batches drawn in Python, epoch after epoch."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.trials.feeds.python import Loader, Repeated


class Adapter:
    """Records when epochs begin and end."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_epoch_begin(self) -> None:
        self.calls.append("begin")

    def on_epoch_end(self) -> None:
        self.calls.append("end")


class Epochs:
    """Stands in for Keras' iterator over epochs. The numbers are the rows of its batches."""

    def __init__(self, rows: list[int]) -> None:
        self.data_adapter, self._rows = Adapter(), rows

    def _get_iterator(self) -> Iterator[Any]:
        return iter([(np.zeros((rows, 2)), None) for rows in self._rows])


@pytest.fixture(autouse=True)
def keras(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("keras")
    module.tree = ModuleType("tree")  # type: ignore[attr-defined]
    module.tree.flatten = list  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", module)


def rows(batches: Any) -> list[int]:
    return [len(batch[0]) for batch in batches]


def test_an_epoch_has_the_batches_of_the_input() -> None:
    epochs = Epochs([4, 4, 2])
    assert rows(Loader(epochs)) == [4, 4, 2]
    assert epochs.data_adapter.calls == ["begin", "end"]


def test_all_batches_of_an_endless_loader_have_the_same_number_of_rows() -> None:
    epochs = Epochs([4, 4, 2])
    assert rows(itertools.islice(Loader(epochs).endless(), 5)) == [4] * 5
    assert epochs.data_adapter.calls[:3] == ["begin", "end", "begin"]


def test_an_epoch_that_is_given_up_is_ended() -> None:
    epochs = Epochs([4, 4, 2])
    batches = iter(Loader(epochs).endless())
    next(batches)
    del batches
    assert epochs.data_adapter.calls == ["begin", "end"]


def test_an_endless_loader_without_batches_ends() -> None:
    assert list(Loader(Epochs([])).endless()) == []


def test_the_spare_iterator_of_keras_is_begun_after_an_epoch() -> None:
    begun: list[int] = []
    epochs = Epochs([4, 4])
    plain = epochs._get_iterator
    epochs._get_iterator = lambda: begun.append(1) or plain()  # type: ignore[func-returns-value, method-assign]
    assert len(rows(Loader(epochs))) == len(rows(Loader(epochs, spares=True))) == 2
    assert len(begun) == 3


def test_an_endless_loader_has_the_same_read_ahead() -> None:
    assert Loader(Epochs([1]), held=3).endless().held == 3


def test_repeated_batches_come_over_and_over() -> None:
    assert list(itertools.islice(Repeated([1, 2]), 5)) == [1, 2, 1, 2, 1]
