"""Batches that a treated fit keeps: for a second start, and for later epochs."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from fitdoctor.probe.apply.materialize import NotRepeatingError
from fitdoctor.probe.trials.feeds.kept_batches import kept_dataset

pytestmark = pytest.mark.e2e


def test_batches_are_kept_for_a_restart_until_the_first_step(tf: Any) -> None:
    from fitdoctor.probe.roles.treated_fit import TreatedFit

    buffer = np.zeros(2)

    def filled() -> Iterator[Any]:
        for number in range(6):
            buffer[:] = number
            yield buffer, None

    fit = TreatedFit(None, {"x": filled()}, [])
    batches = fit._remembered(fit.bound["x"])
    assert [next(batches)[0].tolist() for _ in range(2)] == [[0, 0], [1, 1]]
    again = TreatedFit(None, fit.bound, [])
    again._drawn = list(fit._drawn)
    assert [next(again.give_up()["x"])[0].tolist() for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]
    fit.step_ended()
    assert next(batches)[0].tolist() == [3, 3]
    assert not fit._drawn
    batches.close()
    assert next(fit.bound["x"])[0].tolist() == [4, 4]


def test_a_changed_input_is_made_once_per_object(tf: Any) -> None:
    from fitdoctor.changes.model import InsertCall, Place
    from fitdoctor.probe.roles.treated_fit import MADE, TreatedFit
    from fitdoctor.probe.trials.feeds.tfdata import TensorFlowFeeds

    def made(x: Any, size: int = 2) -> Any:
        change = InsertCall(
            place=Place(file="train.py", line=1, position=1), call="prefetch", arguments={"buffer_size": size}
        )
        return TreatedFit(None, {"x": x}, [change])._changed_input(x, TensorFlowFeeds(None, {"x": x}, 2))

    dataset = tf.data.Dataset.range(8).shuffle(8)
    first = made(dataset)
    assert made(dataset) is first
    assert made(dataset, 3) is not first
    other = copy.copy(dataset)
    assert MADE in vars(other)
    assert made(other) is not made(dataset)
    assert pickle.loads(pickle.dumps(vars(dataset)[MADE])) == ""


class TestKeptDataset:
    @staticmethod
    def rows(keras: Any, later: int = 100) -> Any:
        class Rows(keras.utils.PyDataset):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.buffer, self.begun, self.ended, self.read = np.zeros(3), 0, 0, 0

            def __len__(self) -> int:
                return 4

            def __getitem__(self, index: int) -> Any:
                self.read += 1
                self.buffer[:] = index + 10 * (self.ended >= later)
                return self.buffer, None

            def on_epoch_begin(self) -> None:
                self.begun += 1

            def on_epoch_end(self) -> None:
                self.ended += 1

        return Rows()

    def test_a_reused_buffer_is_copied(self, keras: Any) -> None:
        kept = kept_dataset(self.rows(keras))
        assert [kept[i][0].tolist() for i in range(4)] == [[i] * 3 for i in range(4)]

    def test_epoch_hooks_reach_the_dataset_of_the_script(self, keras: Any) -> None:
        rows = self.rows(keras)
        kept = kept_dataset(rows)
        assert (rows.begun, rows.ended) == (0, 0)
        kept.on_epoch_begin()
        kept.on_epoch_end()
        assert (rows.begun, rows.ended) == (1, 1)

    def test_batches_that_change_in_a_later_epoch_are_read_again(self, keras: Any) -> None:
        rows = self.rows(keras, later=3)
        kept, values = kept_dataset(rows), []
        for _ in range(5):
            kept.on_epoch_begin()
            values.append(kept[1][0][0])
            kept.on_epoch_end()
        assert values == [1, 1, 1, 11, 11]
        assert len(kept) == 4

    def test_batches_that_change_with_each_epoch_are_not_kept(self, keras: Any) -> None:
        with pytest.raises(NotRepeatingError, match="others in each epoch"):
            kept_dataset(self.rows(keras, later=1))
