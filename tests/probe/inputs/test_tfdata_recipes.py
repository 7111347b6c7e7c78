"""Datasets have their recipes as an attribute."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.inputs import tfdata_recipes


class Dataset:
    """An object that can have a recipe."""


def attach(made: Any, name: str, *parents: Any) -> None:
    tfdata_recipes._attach(made, name, (), {}, parents, make=lambda: made, keep=True)


def test_a_stage_that_returns_its_dataset_is_not_recorded() -> None:
    """In the debug mode of tf.data, `prefetch` does nothing."""
    dataset, source = Dataset(), Dataset()
    attach(source, "from_tensor_slices")
    attach(dataset, "map", source)
    attach(dataset, "prefetch", dataset)
    assert [recipe.name for _, recipe in tfdata_recipes.chain(dataset)] == ["from_tensor_slices", "map"]
