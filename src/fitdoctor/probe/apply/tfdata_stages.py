"""Edits the stages of a `tf.data.Dataset` as a list of calls: their order and their arguments."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fitdoctor.changes.model import Change, ConvertArgument, InsertCall, MoveCall, Precompute, SetArgument, SwapCalls
from fitdoctor.probe.apply import shuffle_seeds
from fitdoctor.probe.inputs import nests, tfdata_recipes
from fitdoctor.probe.inputs.tfdata_recipes import Recipe

# Stages that treat an element as a whole. A map may be moved across them.
ELEMENT_AGNOSTIC = ("shuffle", "repeat", "prefetch", "cache", "take", "skip", "shard", "with_options")

Make = Callable[[Any], Any]
Materialize = Callable[[Any, Recipe], Any]


@dataclass(slots=True)
class Stage:
    """One call that makes a dataset.

    Attributes:
        name: Of the call.
        position: In the recorded chain; -1 for an inserted call.
        make: Makes the dataset from its parent.
        edited: Whether the call was moved or inserted.
        own: The script's own dataset, if the call has its original arguments.
    """

    name: str
    position: int
    make: Make
    edited: bool = False
    own: Any = None


def again(recipe: Recipe, parent: Any, **changed: Any) -> Any:
    """Repeats a recorded call on `parent`, with some keywords changed. The result keeps the line of the original."""
    arguments, keywords = recipe.arguments, {**recipe.keywords, **changed}
    if recipe.name == "zip":
        replaced = {id(recipe.parents[0]): parent}
        arguments, keywords = with_datasets(arguments, replaced), with_datasets(keywords, replaced)
    made = recipe.make(*((parent,) if recipe.parents and recipe.name != "zip" else ()), *arguments, **keywords)
    remade = tfdata_recipes.recipe_of(made)
    if remade is not None:
        remade.site, remade.by_keras = recipe.site, recipe.by_keras
    return made


def with_datasets(value: Any, replaced: dict[int, Any]) -> Any:
    """A nest of arguments with some of its datasets replaced."""
    return nests.map_leaves(lambda leaf: replaced.get(id(leaf), leaf), value, any_list=True)


def by_keyword(recipe: Recipe) -> Recipe:
    """The recipe with all arguments by name, so that a change can replace one of them."""
    itself = object()
    own = (itself,) if recipe.parents else ()
    named = inspect.signature(recipe.make).bind(*own, *recipe.arguments, **recipe.keywords).arguments
    return replace(recipe, arguments=(), keywords={name: value for name, value in named.items() if value is not itself})


def edited(steps: list[tuple[Any, Recipe]], changes: list[Change], materialize: Materialize) -> list[Stage]:
    """The stages of a chain with the changes made.

    Stages are moved first and inserted last. So a call that is inserted behind another one comes directly behind it,
    before a call that was moved there. For example, a cache comes before a shuffle.

    Raises:
        ValueError: A change does not fit this chain, or two of them exclude each other.
    """
    stages = [_recorded(position, made, recipe, changes, materialize) for position, (made, recipe) in enumerate(steps)]
    swaps = [change for change in changes if isinstance(change, SwapCalls)]
    for swap in swaps:
        _swap(stages, steps, swap, [other.place.position for other in swaps])
    for change in changes:
        if isinstance(change, MoveCall):
            moved = stages.pop(_at(stages, change.place.position))
            moved.edited = True
            stages.insert(_at(stages, change.behind.position) + 1, moved)
    # A prefetch belongs behind all other calls that are inserted at the same place, so it is inserted first.
    inserts = [change for change in changes if isinstance(change, InsertCall)]
    for insert in sorted(inserts, key=lambda insert: insert.call != "prefetch"):
        at = _behind_swapped(stages, _at(stages, insert.place.position))
        stages.insert(at + 1, Stage(insert.call, -1, _inserted(insert), edited=True))
    _check_caches(stages)
    return stages


def _recorded(position: int, made: Any, recipe: Recipe, changes: list[Change], materialize: Materialize) -> Stage:
    here = [change for change in changes if change.place.position == position]
    if any(isinstance(change, Precompute) for change in here):
        return Stage(recipe.name, position, lambda parent: materialize(made, recipe))
    settings = {change.argument: change.value for change in here if isinstance(change, SetArgument)}
    dtypes = next((change.dtypes for change in here if isinstance(change, ConvertArgument)), None)
    named = recipe if not settings and dtypes is None else by_keyword(recipe)
    if dtypes is not None:
        named = replace(named, keywords={name: _converted(value, dtypes) for name, value in named.keywords.items()})
    own = made if named is recipe else None
    if recipe.name == "shuffle":
        return Stage(recipe.name, position, lambda parent: _shuffled(made, named, parent, settings), own=own)
    return Stage(recipe.name, position, lambda parent: again(named, parent, **settings), own=own)


def _shuffled(made: Any, recipe: Recipe, parent: Any, settings: dict[str, Any]) -> Any:
    with shuffle_seeds.with_seeds_of(made):
        return again(recipe, parent, **settings)


def _converted(value: Any, dtypes: dict[str, str]) -> Any:
    from fitdoctor.probe.apply.arrays import converted

    return converted(value, dtypes)


def _swap(stages: list[Stage], steps: list[tuple[Any, Recipe]], swap: SwapCalls, swapped: list[int]) -> None:
    start, batch = swap.place.position, swap.batch.position
    if not (0 <= start < batch < len(steps)) or steps[start][1].name != "map" or steps[batch][1].name != "batch":
        raise ValueError("The pipeline has no map before a batch where one was expected.")
    at, end = _at(stages, start), _at(stages, batch)
    for between in stages[at + 1 : end]:
        if between.name not in ELEMENT_AGNOSTIC and between.position not in swapped:
            raise ValueError(f"`{between.name}` is between the map and the batch and needs single elements.")
    taken = stages.pop(at)
    if swap.vectorized:
        recipe = steps[start][1]
        taken.make = lambda parent: _vectorized(recipe, parent)
    taken.edited = True
    stages.insert(_behind_swapped(stages, _at(stages, batch)) + 1, taken)


def _vectorized(recipe: Recipe, dataset: Any) -> Any:
    import tensorflow as tf

    function = tfdata_recipes.function_of(recipe)

    def mapped(*elements: Any) -> Any:
        if len(elements) == 1:
            return tf.vectorized_map(function, elements[0])
        return tf.vectorized_map(lambda parts: function(*parts), elements)

    keywords = {name: value for name, value in recipe.keywords.items() if name != "map_func"}
    return dataset.map(mapped, *recipe.arguments[1:], **keywords)


def _inserted(insert: InsertCall) -> Make:
    def make(parent: Any) -> Any:
        made = getattr(parent, insert.call)(**insert.arguments)
        recipe = tfdata_recipes.recipe_of(made)
        if recipe is not None:
            recipe.site = None  # the user has no line for it
        return made

    return make


def _at(stages: list[Stage], position: int) -> int:
    for index, stage in enumerate(stages):
        if stage.position == position:
            return index
    raise ValueError("The pipeline has no stage where one was expected.")


def _behind_swapped(stages: list[Stage], index: int) -> int:
    """The position of the last map that was moved behind this stage."""
    while index + 1 < len(stages) and stages[index + 1].name == "map" and stages[index + 1].edited:
        index += 1
    return index


def _check_caches(stages: list[Stage]) -> None:
    """Refuses an inserted cache behind a shuffle or a repeat: it would keep one order, or never be complete."""
    for index, stage in enumerate(stages):
        if stage.name == "cache" and stage.edited:
            for before in stages[:index]:
                if before.name in ("shuffle", "repeat"):
                    raise ValueError(f"A cache behind `{before.name}` would change the data.")
