"""Makes a `tf.data.Dataset` again from its recipe, with changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from fitdoctor.changes.model import INPUT_CALLS, Change, RemoveCall
from fitdoctor.probe.apply import tfdata_stages
from fitdoctor.probe.apply.tfdata_stages import again, by_keyword, with_datasets
from fitdoctor.probe.inputs import tfdata_recipes
from fitdoctor.probe.inputs.tfdata_recipes import Recipe

Edit = Callable[[int, Recipe, Any], Any]

# Stages that count their input or need its end. An endless source before them would change their output.
LENGTH_AWARE = (
    "cache",
    "concatenate",
    "take",
    "skip",
    "enumerate",
    "repeat",
    "interleave",
    "unique",
    "take_while",
    "snapshot",
)
# The position of `num_parallel_calls` among the positional arguments.
PARALLEL_CALLS = {"map": 1, "interleave": 3}
# Batches that a steady pipeline may hold: enough to overlap, few enough to drain before a measurement.
MOST_READ_AHEAD = 2


def rebuild(dataset: Any, edit: Edit) -> Any:
    """Makes each stage of a chain with `edit(position, recipe, parent)`, from the source on."""
    steps = tfdata_recipes.chain(dataset)
    if not steps:
        return dataset
    first = steps[0][1]
    current = first.parents[0] if first.parents else None
    for position, (_, recipe) in enumerate(steps):
        current = edit(position, recipe, current)
    return current


def apply(dataset: Any, changes: list[Change], materialize: Callable[[Any, Recipe], Any]) -> Any:
    """The dataset with the pipeline changes among `changes`.

    The stages before the first change are the script's own: their shuffles continue, and their caches stay filled. All
    stages are made again if a change turns off a switch that TensorFlow reads while it makes a stage.

    Args:
        dataset: The input that the script gave to `fit`.
        changes: Any; only those of the pipeline are made.
        materialize: Makes an in-memory dataset of one with a Python generator: `(dataset, recipe) -> dataset`.

    Raises:
        ValueError: A change does not fit this chain.
    """
    of_stages = [change for change in changes if change.place.position >= 0]
    all_again = any(isinstance(change, RemoveCall) and change.call in INPUT_CALLS for change in changes)
    steps = tfdata_recipes.chain(dataset)
    if not (of_stages or all_again) or not steps:
        return dataset
    first = steps[0][1]
    current = first.parents[0] if first.parents else None
    for position, stage in enumerate(tfdata_stages.edited(steps, of_stages, materialize)):
        all_again = all_again or stage.own is None or stage.position != position
        current = stage.make(current) if all_again else stage.own
    return current


def endless(dataset: Any) -> Any:
    """The dataset, repeated without end.

    It is repeated as close to its source as the stages allow, so that no buffer is refilled during a measurement.
    """
    steps = tfdata_recipes.chain(dataset)
    if not steps or steps[0][1].parents:
        return dataset.repeat()
    aware = [position for position, (_, recipe) in enumerate(steps) if recipe.name in LENGTH_AWARE]
    behind = max(aware, default=0)

    def edit(position: int, recipe: Recipe, parent: Any) -> Any:
        if recipe.name == "zip" and position > behind:
            others = {id(other): endless(other) for other in recipe.parents[1:] if not is_endless(other)}
            recipe = replace(
                recipe,
                arguments=with_datasets(recipe.arguments, others),
                keywords=with_datasets(recipe.keywords, others),
            )
        made = again(recipe, parent)
        return made.repeat() if position == behind and not is_endless(made) else made

    return rebuild(dataset, edit)


def is_endless(dataset: Any) -> bool:
    """Whether tf.data itself knows that the dataset never ends."""
    import tensorflow as tf

    return bool(dataset.cardinality() == tf.data.INFINITE_CARDINALITY)


def steady(dataset: Any, *, cores: int) -> Any:
    """The dataset with a small, fixed read-ahead: an idle arm then keeps few batches ready and no thread busy."""
    import tensorflow as tf

    def edit(position: int, recipe: Recipe, parent: Any) -> Any:
        if recipe.name == "prefetch":
            asked = _argument(recipe, "buffer_size", 0)
            return parent.prefetch(1 if asked == tf.data.AUTOTUNE else min(asked, MOST_READ_AHEAD))
        where = PARALLEL_CALLS.get(recipe.name)
        if where is not None and _argument(recipe, "num_parallel_calls", where) == tf.data.AUTOTUNE:
            return again(by_keyword(recipe), parent, num_parallel_calls=cores)
        return again(recipe, parent)

    options = tf.data.Options()
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    return rebuild(dataset, edit).with_options(options)


def ordered(dataset: Any) -> Any:
    """The dataset without its shuffles, so that two feeds can be compared element by element."""
    return rebuild(
        dataset, lambda position, recipe, parent: parent if recipe.name == "shuffle" else again(recipe, parent)
    )


def read_ahead(dataset: Any) -> int:
    """How many elements the stages of a steady dataset may keep ready. The next one waits for the producer."""
    held = 0
    for _, recipe in tfdata_recipes.chain(dataset):
        if recipe.name == "prefetch":
            held += int(_argument(recipe, "buffer_size", 0))
        elif recipe.name in PARALLEL_CALLS:
            held += int(_argument(recipe, "num_parallel_calls", PARALLEL_CALLS[recipe.name]) or 0)
        elif recipe.name == "batch":
            held = 0
    return held


def _argument(recipe: Recipe, name: str, position: int) -> Any:
    return recipe.keywords.get(name, recipe.arguments[position] if len(recipe.arguments) > position else None)
