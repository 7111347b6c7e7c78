"""Only the stages after the first change are made again. The datasets are test doubles, without a framework."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.changes.model import Change, InsertCall, MoveCall, Place, RemoveCall, SetArgument
from fitdoctor.probe.apply import tfdata
from fitdoctor.probe.inputs.tfdata_recipes import ATTRIBUTE, Recipe


class Dataset:
    """A dataset with its parent and its recipe."""

    def __init__(self, name: str, parent: Dataset | None, **keywords: Any) -> None:
        self.name, self.parent = name, parent
        setattr(
            self, ATTRIBUTE, Recipe(name, (), keywords, (parent,) if parent else (), self._maker(name), None, False)
        )

    @staticmethod
    def _maker(name: str) -> Any:
        def make(parent: Dataset | None = None, **keywords: Any) -> Dataset:
            return Dataset(name, parent, **keywords)

        return make

    def prefetch(self, buffer_size: int) -> Dataset:
        return Dataset("prefetch", self, buffer_size=buffer_size)


def place(position: int = -1) -> Place:
    return Place(file="train.py", line=1, position=position)


@pytest.fixture
def steps() -> list[Dataset]:
    made: list[Dataset] = []
    for name in ("range", "map", "shuffle", "batch"):
        made.append(Dataset(name, made[-1] if made else None))
    return made


def changed(dataset: Dataset, *changes: Change) -> list[Dataset]:
    """The resulting chain, from its source on."""
    current, found = tfdata.apply(dataset, list(changes), lambda made, recipe: made), []
    while current is not None:
        found.append(current)
        current = current.parent
    return found[::-1]


def own(made: list[Dataset], steps: list[Dataset]) -> list[bool]:
    return [any(one is step for step in steps) for one in made]


PREFETCH = InsertCall(place=place(3), call="prefetch", arguments={"buffer_size": 2})
PARALLEL = SetArgument(place=place(1), call="map", argument="num_parallel_calls", value=2)
MOVED = MoveCall(place=place(2), behind=place(0))
DEBUGGED = RemoveCall(place=place(), call="tf.data.experimental.enable_debug_mode")


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        (PREFETCH, [True] * 4 + [False]),
        (PARALLEL, [True] + [False] * 3),
        (MOVED, [True] + [False] * 3),
        (DEBUGGED, [False] * 4),
    ],
)
def test_stages_before_the_first_change_are_the_scripts_own(
    steps: list[Dataset], change: Change, wanted: list[bool]
) -> None:
    assert own(changed(steps[-1], change), steps) == wanted


def test_other_changes_leave_the_dataset_unchanged(steps: list[Dataset]) -> None:
    numerics = RemoveCall(place=place(), call="tf.debugging.enable_check_numerics")
    assert changed(steps[-1], numerics)[-1] is steps[-1]
