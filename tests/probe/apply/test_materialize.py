from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.probe.apply import materialize
from fitdoctor.probe.apply.materialize import CHECKED, NotRepeatingError, digest, elements, period

PLENTY_S = 60.0


def pairs(count: int, start: int = 0) -> Iterator[tuple[Any, int]]:
    for number in range(start, start + count):
        yield np.full((2,), number), number


def run(make: Callable[[], Iterable[Any]], limit_s: float = PLENTY_S) -> list[Any]:
    return elements(make, list, [np.float32, np.int64], limit_s)


class TestElements:
    @pytest.mark.parametrize("count", [1, CHECKED - 1, CHECKED, CHECKED + 1])
    def test_a_repeating_input_is_kept_unchanged(self, count: int) -> None:
        x, y = run(lambda: pairs(count))
        assert (x.dtype, x.shape, y.dtype, y.shape) == (np.float32, (count, 2), np.int64, (count,))
        assert y.tolist() == list(range(count))
        assert x[:, 0].tolist() == list(range(count))

    def test_a_list_is_an_input_too(self) -> None:
        (column,) = elements(lambda: ["a", "bc"], lambda element: [element], [object], PLENTY_S)
        assert column.tolist() == ["a", "bc"]

    def test_other_elements_the_second_time(self) -> None:
        passes = itertools.count()
        with pytest.raises(NotRepeatingError, match="other elements each time"):
            run(lambda: pairs(10, start=next(passes)))

    def test_other_elements_late_in_the_second_pass(self) -> None:
        passes = itertools.count()

        def make() -> Iterator[Any]:
            yield from pairs(5)
            yield np.zeros(2), next(passes)

        with pytest.raises(NotRepeatingError, match="other elements each time"):
            run(make)

    @pytest.mark.parametrize("again", [0, 3, 7])
    def test_fewer_or_more_the_second_time(self, again: int) -> None:
        lengths = iter([5, again])
        with pytest.raises(NotRepeatingError, match="other elements each time"):
            run(lambda: pairs(next(lengths)))

    def test_an_iterator_that_is_used_up(self) -> None:
        once = pairs(5)
        with pytest.raises(NotRepeatingError, match="other elements each time"):
            run(lambda: once)

    def test_no_elements(self) -> None:
        with pytest.raises(NotRepeatingError, match="no elements"):
            run(lambda: pairs(0))

    def test_shapes_that_vary(self) -> None:
        with pytest.raises(NotRepeatingError, match="differ in shape"):
            run(lambda: iter([(np.zeros(2), 0), (np.zeros(3), 1)]))

    def test_an_endless_input_is_given_up_before_long(self) -> None:
        drawn = []

        def slowly() -> Iterator[Any]:
            for element in pairs(10**9):
                time.sleep(0.002)
                drawn.append(element)
                yield element

        with pytest.raises(NotRepeatingError, match="takes longer than the 0 s"):
            run(slowly, limit_s=0.02)
        assert len(drawn) < 50

    def test_more_than_fits_into_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(materialize, "free_bytes", lambda: 4 * 100 * 16)
        assert len(run(lambda: pairs(90))[0]) == 90
        with pytest.raises(NotRepeatingError, match="quarter of the free memory"):
            run(lambda: pairs(200))


def flatten(batch: Any) -> list[Any]:
    return [batch]


def draw(batches: Iterator[Any], *, most: int = 100, limit_s: float = PLENTY_S) -> list[Any]:
    return period(batches, flatten, most=most, limit_s=limit_s)


class TestPeriod:
    @given(count=st.integers(1, 30), rounds=st.integers(1, 3))
    def test_one_period_of_a_generator_that_begins_again(self, count: int, rounds: int) -> None:
        batches = [np.full((4, 3), number) for number in range(count)]
        kept = draw(itertools.cycle(batches))
        assert [batch[0, 0] for batch in kept] == list(range(count))

    def test_a_batch_that_comes_twice_in_a_period_is_not_its_end(self) -> None:
        kept = draw(itertools.cycle([np.array(number) for number in (1, 2, 3, 4, 1, 2, 3, 5)]))
        assert [int(batch) for batch in kept] == [1, 2, 3, 4, 1, 2, 3, 5]

    def test_a_generator_that_shuffles(self) -> None:
        generator = np.random.default_rng(0)
        with pytest.raises(NotRepeatingError, match="none of its first 50 batches came again"):
            draw((generator.normal(size=3) for _ in itertools.count()), most=50)

    def test_a_generator_that_ends(self) -> None:
        with pytest.raises(NotRepeatingError, match="only once"):
            draw(iter([np.zeros(3), np.ones(3)]))

    def test_a_slow_generator(self) -> None:
        def slowly() -> Iterator[Any]:
            for number in itertools.count():
                time.sleep(0.002)
                yield np.array(number)

        with pytest.raises(NotRepeatingError, match="takes longer"):
            draw(slowly(), most=10**6, limit_s=0.02)

    def test_more_than_fits_into_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(materialize, "free_bytes", lambda: 4 * 1000)
        with pytest.raises(NotRepeatingError, match="quarter of the free memory"):
            draw(np.full(100, number) for number in itertools.count())


class TestDigest:
    @pytest.mark.parametrize(
        "other",
        [
            [np.arange(6.0), np.arange(3)],
            [np.arange(6).reshape(2, 3), np.arange(3)],
            [np.arange(6, dtype=np.int32), np.arange(3)],
            [np.arange(6)],
            [np.arange(6), np.arange(2), np.array(2)],
            [np.array([0, 1, 2, 3, 4, 6]), np.arange(3)],
        ],
        ids=range(6),
    )
    def test_values_shapes_and_types_count(self, other: list[Any]) -> None:
        assert digest([np.arange(6), np.arange(3)]) == digest([np.arange(6), np.arange(3)])
        assert digest([np.arange(6), np.arange(3)]) != digest(other)

    def test_memory_layout_does_not_count(self) -> None:
        array = np.arange(6).reshape(2, 3)
        assert digest([array.T]) == digest([np.ascontiguousarray(array.T)])

    def test_texts(self) -> None:
        assert digest([np.array(["a", "b"], dtype=object)]) == digest([np.array(["a", "b"], dtype=object)])
        assert digest([np.array(["a", "b"], dtype=object)]) != digest([np.array(["a", "c"], dtype=object)])


def test_free_memory_is_known() -> None:
    assert 1 << 20 < materialize.free_bytes() < 1 << 50


def test_a_generator_that_begins_with_equal_batches_has_no_period_of_one() -> None:
    def batches() -> Iterator[tuple[np.ndarray]]:
        while True:
            yield from [(np.zeros(2),)] * 6
            yield from [(np.full(2, float(value)),) for value in range(1, 90)]

    with pytest.raises(NotRepeatingError):
        period(batches(), list, most=50, limit_s=10)
