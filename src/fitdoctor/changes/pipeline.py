"""Makes a `tf.data.Dataset` again from its recipe, with changes."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fitdoctor.changes.model import Change, InsertCall, Precompute, SwapCalls
from fitdoctor.probe import pipelines
from fitdoctor.probe.pipelines import Recipe

Edit = Callable[[int, Recipe, Any], Any]

ELEMENT_AGNOSTIC = ("shuffle", "repeat", "prefetch", "cache", "take", "skip", "shard", "with_options")
"""Stages that treat an element as a whole, so that a map may be moved across them."""

LENGTH_AWARE = ("cache", "concatenate", "take", "skip", "enumerate", "repeat", "interleave", "unique", "take_while", "snapshot")
"""Stages that need their input to end, or count it: an endless source before them would change what comes out."""


PARALLEL_CALLS = {"map": 1, "interleave": 3}
"""Where `num_parallel_calls` stands among the positional arguments."""

MOST_READ_AHEAD = 2
"""Batches that a steady pipeline may hold: enough to overlap, few enough to drain before timing."""


def again(recipe: Recipe, parent: Any, **changed: Any) -> Any:
    """Makes the recorded call once more on `parent`, with some keywords changed; it keeps the line it was first made at."""
    arguments, keywords = recipe.arguments, {**recipe.keywords, **changed}
    if recipe.name == "zip":
        replaced = {id(recipe.parents[0]): parent}
        arguments, keywords = _with_datasets(arguments, replaced), _with_datasets(keywords, replaced)
    made = recipe.make(*((parent,) if recipe.parents and recipe.name != "zip" else ()), *arguments, **keywords)
    remade = pipelines.of(made)
    if remade is not None:
        remade.site, remade.by_keras = recipe.site, recipe.by_keras
    return made


def _with_datasets(value: Any, replaced: dict[int, Any]) -> Any:
    """A nest of arguments with some of its datasets exchanged."""
    if isinstance(value, (tuple, list)):
        return type(value)(_with_datasets(part, replaced) for part in value)
    if isinstance(value, dict):
        return {name: _with_datasets(part, replaced) for name, part in value.items()}
    return replaced.get(id(value), value)


def rebuild(dataset: Any, edit: Edit) -> Any:
    """Walks the chain from the source and lets `edit(position, recipe, parent)` make each stage."""
    steps = pipelines.chain(dataset)
    if not steps:
        return dataset
    first = steps[0][1]
    current = first.parents[0] if first.parents else None
    for position, (_, recipe) in enumerate(steps):
        current = edit(position, recipe, current)
    return current


def apply(dataset: Any, changes: list[Change], materialize: Callable[[Any, Recipe], Any]) -> Any:
    """The dataset with the pipeline changes among `changes`.

    Args:
        dataset: The one that the script gave to `fit`.
        changes: Any; those that are not of the pipeline are left to others.
        materialize: Makes an in-memory dataset in place of one from a Python generator: `(dataset, recipe) -> dataset`.

    Raises:
        ValueError: A change does not fit this chain.
    """
    inserts = {c.place.position: c for c in changes if isinstance(c, InsertCall)}
    swaps = {c.place.position: c for c in changes if isinstance(c, SwapCalls)}
    precomputes = {c.place.position for c in changes if isinstance(c, Precompute) and c.call.endswith("from_generator")}
    if not (inserts or swaps or precomputes):
        return dataset
    steps = pipelines.chain(dataset)
    _check_swaps(steps, swaps)
    moved: list[tuple[Recipe, SwapCalls]] = []

    def edit(position: int, recipe: Recipe, parent: Any) -> Any:
        if position in swaps:
            moved.append((recipe, swaps[position]))
            return parent
        made = materialize(steps[position][0], recipe) if position in precomputes else again(recipe, parent)
        if any(swap.batch.position == position for swap in swaps.values()):
            for map_recipe, swap in moved:
                made = _map_batches(map_recipe, made, vectorized=swap.vectorized)
        if position in inserts:
            made = getattr(made, inserts[position].call)(**inserts[position].arguments)
        return made

    return rebuild(dataset, edit)


def _check_swaps(steps: list[tuple[Any, Recipe]], swaps: dict[int, SwapCalls]) -> None:
    for position, swap in swaps.items():
        batch = swap.batch.position
        if not (0 <= position < batch < len(steps)) or steps[position][1].name != "map" or steps[batch][1].name != "batch":
            raise ValueError("The pipeline has no map before a batch where one was expected.")
        for between in range(position + 1, batch):
            name = steps[between][1].name
            if name not in ELEMENT_AGNOSTIC and between not in swaps:
                raise ValueError(f"`{name}` stands between the map and the batch and needs single elements.")


def _map_batches(recipe: Recipe, dataset: Any, *, vectorized: bool) -> Any:
    if not vectorized:
        return again(recipe, dataset)
    import tensorflow as tf

    function = pipelines.function_of(recipe)

    def mapped(*elements: Any) -> Any:
        if len(elements) == 1:
            return tf.vectorized_map(function, elements[0])
        return tf.vectorized_map(lambda parts: function(*parts), elements)

    keywords = {name: value for name, value in recipe.keywords.items() if name != "map_func"}
    return dataset.map(mapped, *recipe.arguments[1:], **keywords)


def endless(dataset: Any) -> Any:
    """The dataset without an end: repeated as near to its source as its stages allow, so that no refill falls into a window."""
    steps = pipelines.chain(dataset)
    if not steps or steps[0][1].parents:
        return dataset.repeat()
    aware = [position for position, (_, recipe) in enumerate(steps) if recipe.name in LENGTH_AWARE]
    behind = max(aware, default=0)

    def edit(position: int, recipe: Recipe, parent: Any) -> Any:
        if recipe.name == "zip" and position > behind:
            others = {id(other): endless(other) for other in recipe.parents[1:] if not _is_endless(other)}
            recipe = replace(recipe, arguments=_with_datasets(recipe.arguments, others), keywords=_with_datasets(recipe.keywords, others))
        made = again(recipe, parent)
        return made.repeat() if position == behind and not _is_endless(made) else made

    return rebuild(dataset, edit)


def _is_endless(dataset: Any) -> bool:
    import tensorflow as tf

    return bool(dataset.cardinality() == tf.data.INFINITE_CARDINALITY)


def steady(dataset: Any, *, cores: int) -> Any:
    """The dataset with fixed, small read-ahead: an idle arm then has one batch in store and no thread at work."""
    import tensorflow as tf

    def edit(position: int, recipe: Recipe, parent: Any) -> Any:
        if recipe.name == "prefetch":
            asked = _argument(recipe, "buffer_size", 0)
            return parent.prefetch(1 if asked == tf.data.AUTOTUNE else min(asked, MOST_READ_AHEAD))
        where = PARALLEL_CALLS.get(recipe.name)
        if where is not None and _argument(recipe, "num_parallel_calls", where) == tf.data.AUTOTUNE:
            return again(_by_keyword(recipe, parent), parent, num_parallel_calls=cores)
        return again(recipe, parent)

    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return rebuild(dataset, edit).with_options(options)


def ordered(dataset: Any) -> Any:
    """The dataset without its shuffles, so that two feeds can be compared element by element."""
    return rebuild(dataset, lambda position, recipe, parent: parent if recipe.name == "shuffle" else again(recipe, parent))


def read_ahead(dataset: Any) -> int:
    """How many elements the stages of a steady dataset may hold ready, behind the last of which a draw waits for the producer."""
    held = 0
    for _, recipe in pipelines.chain(dataset):
        if recipe.name == "prefetch":
            held += int(_argument(recipe, "buffer_size", 0))
        elif recipe.name in PARALLEL_CALLS:
            held += int(_argument(recipe, "num_parallel_calls", PARALLEL_CALLS[recipe.name]) or 0)
        elif recipe.name == "batch":
            held = 0
    return held


def _argument(recipe: Recipe, name: str, position: int) -> Any:
    return recipe.keywords.get(name, recipe.arguments[position] if len(recipe.arguments) > position else None)


def _by_keyword(recipe: Recipe, parent: Any) -> Recipe:
    """The recipe with all its arguments by name, so that one of them can be changed by name."""
    named = inspect.signature(recipe.make).bind(parent, *recipe.arguments, **recipe.keywords).arguments
    return replace(recipe, arguments=(), keywords={name: value for name, value in named.items() if value is not parent})
