"""Nests are walked in the order of Keras, and lists of numbers are leaves."""

from __future__ import annotations

import numpy as np

from fitdoctor.probe.inputs import nests

X = np.zeros(2)


def test_leaves_are_named_in_the_order_of_keras() -> None:
    named = list(nests.named_leaves({"b": X, "a": [X, X], "c": None}, "x"))
    assert [name for name, _ in named] == ["x['a'][0]", "x['a'][1]", "x['b']"]


def test_a_list_of_numbers_is_a_leaf() -> None:
    assert [name for name, _ in nests.named_leaves([[1, 2], [3, 4]], "x")] == ["x"]
    assert list(nests.leaves([1, (2, None)], any_list=True)) == [1, 2]


def test_the_first_leaf_of_an_empty_nest_is_none() -> None:
    assert nests.first_leaf({"a": ()}) is None
    assert nests.first_leaf(({"a": [X]}, 1)) is X


def test_a_mapped_nest_has_the_same_shape() -> None:
    assert nests.map_leaves(lambda leaf: leaf + 1, {"a": (1, 2)}) == {"a": (2, 3)}
    assert nests.map_leaves(str, [1, (2,)], any_list=True) == ["1", ("2",)]
