"""The recipes that hang on datasets."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.inputs import tfdata_recipes


class Dataset:
    """Something that a recipe can hang on."""


def attach(made: Any, name: str, *parents: Any) -> None:
    tfdata_recipes._attach(made, name, (), {}, parents, make=lambda: made, keep=True)


def test_a_stage_that_gives_the_dataset_itself_is_none() -> None:
    """In the debug mode of tf.data, `prefetch` does nothing at all."""
    dataset, source = Dataset(), Dataset()
    attach(source, "from_tensor_slices")
    attach(dataset, "map", source)
    attach(dataset, "prefetch", dataset)
    assert [recipe.name for _, recipe in tfdata_recipes.chain(dataset)] == ["from_tensor_slices", "map"]
