"""Changes that are applied to live datasets give the expected stages and elements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import Change, ConvertArgument, InsertCall, MoveCall, Place, SetArgument, SwapCalls
from fitdoctor.probe.apply import materialize, tfdata
from fitdoctor.probe.inputs import tfdata_recipes
from fitdoctor.probe.trials.feeds.cache_slices import Slices

pytestmark = pytest.mark.e2e


def place(position: int) -> Place:
    return Place(file="train.py", line=1, position=position)


def changed(dataset: Any, *changes: Change) -> Any:
    return tfdata.apply(dataset, list(changes), lambda made, recipe: made)


def names(dataset: Any) -> list[str]:
    return [recipe.name for _, recipe in tfdata_recipes.chain(dataset)]


def numbers(dataset: Any) -> list[Any]:
    return [element.tolist() for element in dataset.as_numpy_iterator()]


def test_a_shuffle_moves_behind_a_map_and_a_cache_between_them(tf: Any) -> None:
    dataset = (
        tf.data.Dataset.range(20).shuffle(20, seed=3, reshuffle_each_iteration=False).map(lambda n: n * 2).batch(4)
    )
    made = changed(dataset, InsertCall(place=place(2), call="cache"), MoveCall(place=place(1), behind=place(2)))
    assert names(made) == ["range", "map", "cache", "shuffle", "batch"]
    assert numbers(made) == numbers(dataset)


def test_a_cache_goes_before_a_prefetch_at_the_same_place(tf: Any) -> None:
    dataset = tf.data.Dataset.range(8).map(lambda n: n * 2)
    prefetch = InsertCall(place=place(1), call="prefetch", arguments={"buffer_size": 2})
    assert names(changed(dataset, prefetch, InsertCall(place=place(1), call="cache"))) == [
        "range",
        "map",
        "cache",
        "prefetch",
    ]


def test_a_cache_follows_maps_that_are_moved_behind_a_batch(tf: Any) -> None:
    dataset = tf.data.Dataset.range(8).map(lambda n: n * 2).batch(4)
    made = changed(dataset, InsertCall(place=place(2), call="cache"), SwapCalls(place=place(1), batch=place(2)))
    assert names(made) == ["range", "batch", "map", "cache"]


def test_two_maps_keep_their_order_when_they_swap_with_a_batch(tf: Any) -> None:
    dataset = tf.data.Dataset.range(8).map(lambda n: n + 1).map(lambda n: n * 2).batch(4)
    made = changed(dataset, *(SwapCalls(place=place(at), batch=place(3)) for at in (1, 2)))
    assert names(made) == ["range", "batch", "map", "map"]
    assert numbers(made) == numbers(dataset)


@pytest.mark.parametrize("stage", ["shuffle", "repeat"])
def test_a_cache_behind_a_shuffle_or_repeat_is_refused(tf: Any, stage: str) -> None:
    dataset = getattr(tf.data.Dataset.range(8), stage)(8).map(lambda n: n)
    with pytest.raises(ValueError, match=f"A cache behind `{stage}`"):
        changed(dataset, InsertCall(place=place(2), call="cache"))


def test_a_map_is_made_parallel(tf: Any) -> None:
    dataset = tf.data.Dataset.range(8).map(lambda n: n * 2)
    made = changed(dataset, SetArgument(place=place(1), call="map", argument="num_parallel_calls", value=-1))
    assert tfdata_recipes.recipe_of(made).keywords["num_parallel_calls"] == -1
    assert numbers(made) == numbers(dataset)
    assert tfdata_recipes.recipe_of(tfdata.steady(made, cores=2)) is not None


def test_a_positional_argument_is_set(tf: Any) -> None:
    dataset = tf.data.Dataset.range(8).shuffle(8)
    made = changed(dataset, SetArgument(place=place(1), call="shuffle", argument="buffer_size", value=1))
    assert numbers(made) == list(range(8))


def test_arrays_are_cast_at_the_source(tf: Any) -> None:
    dataset = tf.data.Dataset.from_tensor_slices((np.ones((4, 3)), np.arange(4))).batch(2)
    change = ConvertArgument(
        place=place(0), call="from_tensor_slices", argument="tensors", dtypes={"float64": "float32"}
    )
    assert [spec.dtype for spec in changed(dataset, change).element_spec] == [tf.float32, tf.int64]


def test_a_missing_stage_is_an_error(tf: Any) -> None:
    with pytest.raises(ValueError, match="no stage"):
        changed(tf.data.Dataset.range(8), InsertCall(place=place(7), call="cache"))


class TestSlices:
    def test_a_cache_is_filled_once(self, tf: Any) -> None:
        calls: list[int] = []

        def counted(n: Any) -> Any:
            calls.append(int(n))
            return n

        dataset = tf.data.Dataset.range(10).map(lambda n: tf.py_function(counted, [n], tf.int64))
        slices = Slices()
        made = slices.cut(changed(dataset, InsertCall(place=place(1), call="cache")))
        made = slices.filled(tfdata.steady(tfdata.endless(made), cores=2))
        calls.clear()
        assert [int(n) for n in made.take(25)] == [*range(10), *range(10), *range(5)]
        assert calls == []
        assert "slice of 10 elements" in slices.note
        assert slices.spent_s > 0

    def test_elements_that_differ_between_passes_are_not_cached(self, tf: Any) -> None:
        turn = iter(range(1000))
        dataset = tf.data.Dataset.range(4).map(lambda n: tf.py_function(lambda _: next(turn), [n], tf.int64))
        with pytest.raises(materialize.NotRepeatingError, match="freeze"):
            Slices().cut(changed(dataset, InsertCall(place=place(1), call="cache")))

    def test_elements_that_exceed_the_free_memory_are_not_cached(
        self, tf: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(materialize, "free_bytes", lambda: 100)
        with pytest.raises(materialize.NotRepeatingError, match="on disk"):
            Slices().cut(changed(tf.data.Dataset.range(40), InsertCall(place=place(0), call="cache")))

    def test_a_cache_file_of_the_user_is_not_written(self, tf: Any, tmp_path: Any) -> None:
        dataset = tf.data.Dataset.range(4).cache(str(tmp_path / "kept"))
        assert numbers(Slices().cut(dataset)) == [0, 1, 2, 3]
        assert list(tmp_path.iterdir()) == []


def test_stages_are_recorded_with_state_cardinality_and_size(tf: Any) -> None:
    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((6, 5), "float32"))
    dataset = (
        dataset.map(lambda row: row + tf.random.normal(()))
        .map(lambda row: row * 2)
        .batch(3, drop_remainder=True)
        .repeat()
    )
    found = [
        (step.name, step.stateful, step.cardinality, step.element_bytes) for step in tfdata_recipes.operations(dataset)
    ]
    assert found == [
        ("from_tensor_slices", False, 6, 20),
        ("map", True, 6, 20),
        ("map", False, 6, 20),
        ("batch", False, 2, 60),
        ("repeat", False, -1, 60),
    ]


def test_a_scan_that_draws_random_numbers_is_stateful(tf: Any) -> None:
    def noisy(state: Any, row: Any) -> Any:
        return state, row + tf.random.normal(())

    rows = tf.data.Dataset.from_tensor_slices(np.zeros((6, 5), "float32"))
    still = rows.scan(np.float32(0), lambda state, row: (state, row + state))
    (*_, random), (*_, plain) = (tfdata_recipes.operations(made) for made in (rows.scan(np.float32(0), noisy), still))
    assert (random.stateful, plain.stateful) == (True, False)
    assert random.function is not None
