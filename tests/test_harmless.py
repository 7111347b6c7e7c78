"""The bench that holds watched trainings against plain ones: its covering sets, and how it reads what was printed."""

from __future__ import annotations

import itertools

import pytest

from bench.harmless import cover, matrix


@pytest.mark.parametrize("backend", matrix.BACKENDS)
def test_any_two_kinds_that_go_together_meet(backend: str) -> None:
    found = matrix.cases(backend)
    met = {pair for case in found for pair in itertools.combinations(case.items(), 2)}
    for one, other in itertools.combinations(matrix.DIMENSIONS, 2):
        for first, second in itertools.product(matrix.DIMENSIONS[one], matrix.DIMENSIONS[other]):
            goes = any(matrix._goes({**case, one: first, other: second}, backend) for case in found)
            assert (((one, first), (other, second)) in met) == goes, (one, first, other, second)
    assert all(matrix._goes(case, backend) for case in found)
    assert found == matrix.cases(backend)


def test_what_goes_with_nothing_is_left_out() -> None:
    cases = cover.pairwise({"a": "12", "b": "34"}, lambda case: case.get("a") != "1" or case.get("b") != "4")
    assert cases == [{"a": "1", "b": "3"}, {"a": "2", "b": "3"}, {"a": "2", "b": "4"}]


def test_a_bar_is_the_same_whenever_it_was_drawn() -> None:
    drawn = "\x1b[1m1/3\x1b[0m \x1b[32m━\x1b[0m \x1b[1m0s\x1b[0m 20ms/step - loss: 2.0\x08\x08\r"
    slow = f"Epoch 1/2\n{drawn}\x1b[1m3/3\x1b[0m 1s 12ms/step - loss: 1.5\n"
    quick = "Epoch 1/2\n\x1b[1m3/3\x1b[0m \x1b[1m0s\x1b[0m 900us/step - loss: 1.5\n"
    other = quick.replace("1.5", "1.6")
    assert matrix.without_times(slow) == matrix.without_times(quick)
    assert matrix.without_times(other) != matrix.without_times(quick)
