"""Rebuilt pipelines give the elements of the original ones, whatever their stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import InsertCall, Place, SwapCalls
from fitdoctor.probe.apply import tfdata
from fitdoctor.probe.apply.materialize import digest
from tests.support import pipelines

pytestmark = pytest.mark.e2e


def draw(tf: Any, dataset: Any, most: int = 1000) -> list[bytes]:
    return [digest(tf.nest.flatten(element)) for element in dataset.take(most).as_numpy_iterator()]


def leading(tf: Any, element: Any) -> Any:
    return np.shape(tf.nest.flatten(element)[0])[:1]


def again(dataset: Any) -> Any:
    return tfdata.rebuild(dataset, lambda position, recipe, parent: tfdata.again(recipe, parent))


def place(position: int) -> Place:
    return Place(file="train.py", line=1, position=position)


def never(dataset: Any, recipe: Any) -> Any:
    raise AssertionError("nothing is materialized here")


def parts_of(dataset: Any) -> list[str]:
    from fitdoctor.probe.inputs import tfdata_recipes

    return [recipe.name for _, recipe in tfdata_recipes.chain(dataset)]


@pytest.mark.parametrize("name", pipelines.CHAINS)
def test_rebuilt_and_steady_pipelines_give_the_same_elements(tf: Any, name: str) -> None:
    dataset = pipelines.CHAINS[name](tf)
    wanted = draw(tf, dataset)
    assert wanted
    copy = again(dataset)
    assert draw(tf, copy) == wanted
    assert parts_of(copy) == parts_of(dataset)
    assert len(parts_of(dataset)) > 1 or name in ("tensors", "samples")
    steady = tfdata.steady(dataset, cores=2)
    assert draw(tf, steady) == wanted
    assert tfdata.read_ahead(steady) <= 4
    assert draw(tf, dataset) == wanted or pipelines.shuffled(name)


@pytest.mark.parametrize("name", pipelines.CHAINS)
def test_an_endless_pipeline_begins_like_the_original(tf: Any, name: str) -> None:
    dataset = pipelines.CHAINS[name](tf)
    wanted = list(dataset.as_numpy_iterator())
    endless = tfdata.steady(tfdata.endless(dataset), cores=2)
    assert len(draw(tf, endless, 2 * len(wanted) + 3)) == 2 * len(wanted) + 3
    if pipelines.shuffled(name):
        return
    # The last batch of a pass is filled up with the first elements of the next one.
    whole = wanted if len(wanted) < 2 or leading(tf, wanted[-1]) == leading(tf, wanted[0]) else wanted[:-1]
    assert draw(tf, endless, len(whole)) == [digest(tf.nest.flatten(element)) for element in whole] or name == "buckets"


@pytest.mark.parametrize("name", ["shuffle, by position", "shuffle, by keyword", "shuffle twice"])
def test_an_ordered_pipeline_has_no_shuffles(tf: Any, name: str) -> None:
    ordered = tfdata.ordered(pipelines.CHAINS[name](tf))
    assert "shuffle" not in parts_of(ordered)
    labels = [int(label) for _, y in ordered.as_numpy_iterator() for label in y]
    assert labels == pipelines.Y.tolist()


@pytest.mark.parametrize("vectorized", [False, True])
@pytest.mark.parametrize(
    "name",
    [
        "map, by position",
        "map, all by position",
        "map, by keyword",
        "dict",
        "range",
        "shuffle, by keyword",
        "one value",
    ],
)
def test_a_map_of_whole_batches_gives_the_same_batches(tf: Any, name: str, vectorized: bool) -> None:
    make = {**pipelines.CHAINS, "one value": lambda tf: tf.data.Dataset.range(9).map(lambda i: i * 3).batch(4)}[name]
    dataset = make(tf)
    steps = parts_of(dataset)
    swap = SwapCalls(place=place(steps.index("map")), batch=place(steps.index("batch")), vectorized=vectorized)
    changed = tfdata.apply(dataset, [swap], never)
    assert draw(tf, changed) == draw(tf, make(tf))
    found = parts_of(changed)
    assert found.index("map") == found.index("batch") + 1


def test_a_map_before_a_filter_is_not_moved(tf: Any) -> None:
    dataset = pipelines.slices(tf).map(pipelines.double).filter(lambda x, y: y > 3).batch(4)
    with pytest.raises(ValueError, match="`filter` is between"):
        tfdata.apply(dataset, [SwapCalls(place=place(1), batch=place(3))], never)
    with pytest.raises(ValueError, match="no map before a batch"):
        tfdata.apply(dataset, [SwapCalls(place=place(0), batch=place(3))], never)


def test_a_map_moves_past_a_shuffle(tf: Any) -> None:
    dataset = pipelines.slices(tf).map(pipelines.double).shuffle(50, seed=5).batch(4)
    changed = tfdata.apply(dataset, [SwapCalls(place=place(1), batch=place(3))], never)
    assert draw(tf, changed) == draw(tf, pipelines.slices(tf).map(pipelines.double).shuffle(50, seed=5).batch(4))


@pytest.mark.parametrize("name", [name for name in pipelines.CHAINS if not pipelines.shuffled(name)])
def test_a_prefetch_at_the_end_changes_nothing(tf: Any, name: str) -> None:
    dataset = pipelines.CHAINS[name](tf)
    last = len(parts_of(dataset)) - 1
    changed = tfdata.apply(
        dataset, [InsertCall(place=place(last), call="prefetch", arguments={"buffer_size": 2})], never
    )
    assert parts_of(changed)[-1] == "prefetch"
    assert draw(tf, changed) == draw(tf, dataset)


def test_rebuilt_stages_keep_the_lines_of_the_script(tf: Any) -> None:
    from fitdoctor.probe.inputs import tfdata_recipes

    dataset = (
        pipelines.slices(tf)
        .map(pipelines.double)
        .batch(4)
    )  # fmt: skip
    before = [(recipe.name, recipe.site) for _, recipe in tfdata_recipes.chain(dataset)]
    assert [(recipe.name, recipe.site) for _, recipe in tfdata_recipes.chain(again(dataset))] == before
    lines = [site.line for _, site in before[1:] if site is not None]
    assert lines[1] == lines[0] + 1
    operations = tfdata_recipes.operations(dataset)
    assert operations[1].function is not None
    assert operations[1].function.function == "double"
    assert not any(operation.by_keras for operation in operations)


@pytest.mark.parametrize(
    ("name", "stage"),
    [("map in Python", "map"), ("generator", "from_generator"), ("map, by keyword", ""), ("batch", "")],
)
def test_python_in_a_pipeline_is_detected(tf: Any, name: str, stage: str) -> None:
    from fitdoctor.probe.inputs import tfdata_recipes

    assert [
        operation.name for operation in tfdata_recipes.operations(pipelines.CHAINS[name](tf)) if operation.python
    ] == [stage][: len(stage)]
