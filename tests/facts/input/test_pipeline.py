from __future__ import annotations

import pytest

from fitdoctor.facts.input.pipeline import lacks_prefetch, maps_before_batch
from fitdoctor.recording.model import Operation
from tests.support import builders as make


@pytest.mark.parametrize(
    ("names", "lacking"),
    [
        (["from_tensor_slices", "map", "batch"], True),
        (["from_tensor_slices", "map", "prefetch", "batch"], True),
        (["from_tensor_slices", "map", "batch", "prefetch"], False),
        (["from_tensor_slices", "map", "batch", "prefetch", "repeat"], False),
        (["from_tensor_slices"], True),
    ],
)
def test_prefetch_counts_behind_the_last_costly_stage(names: list[str], lacking: bool) -> None:
    record = make.fit(operations=make.chain(*((name, 3 + at) for at, name in enumerate(names))))
    assert lacks_prefetch(record) is lacking


def test_what_keras_adds_is_not_the_users() -> None:
    added = Operation(name="prefetch", position=2, by_keras=True)
    assert lacks_prefetch(make.fit(operations=make.chain(("from_tensor_slices", 3), ("batch", 4), added)))


def test_maps_move_across_what_treats_elements_as_a_whole() -> None:
    record = make.fit(
        operations=make.chain(("range", 1), ("map", 2), ("shuffle", 3), ("map", 4), ("repeat", 5), ("batch", 6))
    )
    (found,) = maps_before_batch(record)
    assert [step.position for step in found.maps] == [1, 3]
    assert found.batch.position == 5


@pytest.mark.parametrize("between", ["filter", "cache", "unbatch", "window"])
def test_maps_do_not_move_across_other_stages(between: str) -> None:
    record = make.fit(operations=make.chain(("range", 1), ("map", 2), (between, 3), ("batch", 6)))
    assert list(maps_before_batch(record)) == []


def test_maps_behind_batch_and_maps_in_python_stay() -> None:
    python = Operation(name="map", position=1, python=True)
    record = make.fit(operations=make.chain(("range", 1), python, ("batch", 6), ("map", 7)))
    assert list(maps_before_batch(record)) == []
