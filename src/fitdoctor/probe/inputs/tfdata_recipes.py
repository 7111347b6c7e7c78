"""Records how each `tf.data.Dataset` was made, call by call, so that it can be made again with changes.

Objects of tf.data can't be edited, and their graph is optimized and without the user's names. So the public methods are
wrapped before the script runs. Only the outermost call on a thread counts. The recipe is an attribute of the dataset.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from fitdoctor.probe.inputs import nests
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import threading
from fitdoctor.probe.support.patches import Patches
from fitdoctor.recording.model import Operation, Site

ATTRIBUTE = "_fitdoctor_recipe"
SOURCES = (
    "from_tensors",
    "from_tensor_slices",
    "from_generator",
    "range",
    "list_files",
    "zip",
    "sample_from_datasets",
    "choose_from_datasets",
)
READERS = ("TFRecordDatasetV2", "TextLineDatasetV2", "FixedLengthRecordDatasetV2")
STAGES = (
    "map", "batch", "padded_batch", "ragged_batch", "shuffle", "repeat", "cache", "prefetch", "take", "skip",
    "filter", "flat_map", "interleave", "with_options", "concatenate", "enumerate", "unbatch", "rebatch", "window",
    "shard", "snapshot", "unique", "take_while", "scan", "rejection_resample", "group_by_window",
    "bucket_by_sequence_length", "ignore_errors", "apply", "sparse_batch",
)  # fmt: skip
# The beginnings of the names of operations that draw random numbers, or write to a variable.
STATEFUL = (
    "Random",
    "Stateful",
    "TruncatedNormal",
    "ParameterizedTruncatedNormal",
    "Multinomial",
    "RngReadAndSkip",
    "RngSkip",
    "Assign",
)
SHOWN_TYPES = (bool, int, float, str, type(None))
# The position of a stage's function among its positional arguments.
FUNCTION_AT = {"map": 0, "flat_map": 0, "interleave": 0, "filter": 0, "take_while": 0, "from_generator": 0, "scan": 1}
# Attributes in which datasets of TensorFlow keep their traced functions.
WRAPPED = ("_map_func", "_predicate", "_scan_func", "_key_func", "_reduce_func")


@dataclass(slots=True)
class Recipe:
    """One call that made a dataset.

    Attributes:
        name: Of the call.
        arguments: Its positional arguments.
        keywords: Its keyword arguments.
        parents: The datasets that it was made from.
        make: The wrapped public function, so that a repeated call is recorded too.
        site: The user's line.
        by_keras: Whether Keras made the call.
        described: The arguments that are plain values.
    """

    name: str
    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    parents: tuple[Any, ...]
    make: Callable[..., Any]
    site: Site | None
    by_keras: bool
    described: dict[str, Any] = field(default_factory=dict)


class _Depth(threading.local):
    value = 0


_depth = _Depth()


def recipe_of(dataset: Any) -> Recipe | None:
    """The recipe of a dataset, or None if its making was not recorded."""
    return getattr(dataset, ATTRIBUTE, None)


def chain(dataset: Any) -> list[tuple[Any, Recipe]]:
    """The calls from the source to this dataset, each dataset with its recipe. It follows first parents only."""
    steps: list[tuple[Any, Recipe]] = []
    while (recipe := recipe_of(dataset)) is not None:
        steps.append((dataset, recipe))
        if not recipe.parents:
            break
        dataset = recipe.parents[0]
    return steps[::-1]


def install(dataset_ops: ModuleType, readers: ModuleType | None, *, replayable: bool = True) -> Patches:
    """Wraps the methods that make datasets, until the result undoes it. Existing recipes stay.

    Args:
        dataset_ops: The module of `DatasetV2`.
        readers: The module of file readers.
        replayable: Whether recipes keep data that is passed to a stage. The data then stays in memory twice, which is
            not acceptable in a watched training.
    """
    patches = Patches()
    cls = dataset_ops.DatasetV2
    for name in SOURCES:
        raw = cls.__dict__.get(name)
        if isinstance(raw, staticmethod):
            patches.put(cls, name, staticmethod(_recorded(name, raw.__func__, method=False, keep=replayable)))
    for name in STAGES:
        raw = cls.__dict__.get(name)
        if callable(raw) and name != "apply":
            patches.put(cls, name, _recorded(name, raw, method=True, keep=replayable))
    for name in READERS if readers is not None else ():
        reader = getattr(readers, name, None)
        if reader is not None:
            constructor = _recorded_constructor(name.removesuffix("V2"), reader, reader.__init__, keep=replayable)
            patches.put(reader, "__init__", constructor)
    return patches


def _recorded(name: str, function: Callable[..., Any], *, method: bool, keep: bool) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if _depth.value:
            return function(*args, **kwargs)
        _depth.value += 1
        try:
            made = function(*args, **kwargs)
        finally:
            _depth.value -= 1
        try:
            own = args[1:] if method else args
            parents = args[:1] if method else ()
            if name == "zip":
                inputs = own if own else (kwargs.get("datasets"),)
                parents = tuple(nests.leaves(inputs, any_list=True))
            _attach(made, name, own, kwargs, parents, wrapper, keep=keep)
        except Exception as error:  # the script gets the dataset, only without a recipe
            guard.note(error)
        return made

    return wrapper


def _recorded_constructor(name: str, cls: type, original: Callable[..., Any], *, keep: bool) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> None:
        outermost = not _depth.value
        _depth.value += 1
        try:
            original(*args, **kwargs)
        finally:
            _depth.value -= 1
        if not outermost:
            return
        try:
            _attach(args[0], name, args[1:], kwargs, (), cls, keep=keep)
        except Exception as error:
            guard.note(error)

    return wrapper


def _attach(
    made: Any,
    name: str,
    arguments: tuple[Any, ...],
    keywords: dict[str, Any],
    parents: tuple[Any, ...],
    make: Callable[..., Any],
    *,
    keep: bool,
) -> None:
    if any(made is parent for parent in parents):
        return  # in debug mode some stages return the dataset itself, which has its recipe
    shown = _describe(arguments, keywords)
    if not keep:
        arguments = tuple(map(_without_data, arguments))
        keywords = {name: _without_data(value) for name, value in keywords.items()}
    object.__setattr__(
        made, ATTRIBUTE, Recipe(name, arguments, keywords, parents, make, call_sites.find(), _called_by_keras(), shown)
    )


def _without_data(value: Any) -> Any:
    return value if isinstance(value, SHOWN_TYPES) or callable(value) else None


def _called_by_keras() -> bool:
    """Whether Keras itself made the call, and not the user's code."""
    # The frames in between: `_attach`, its caller here, and the wrapper.
    frame = sys._getframe(3)
    return str(frame.f_globals.get("__name__", "")).startswith(("keras.", "tf_keras."))


def _describe(arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    shown = {str(i): value for i, value in enumerate(arguments) if isinstance(value, SHOWN_TYPES)}
    return shown | {name: value for name, value in keywords.items() if isinstance(value, SHOWN_TYPES)}


def function_of(recipe: Recipe) -> Any:
    """The function of a stage, or None."""
    for key in ("map_func", "scan_func", "generator", "predicate", "key_func", "transformation_func"):
        if key in recipe.keywords:
            return recipe.keywords[key]
    at = FUNCTION_AT.get(recipe.name)
    return recipe.arguments[at] if at is not None and at < len(recipe.arguments) else None


def operations(dataset: Any) -> list[Operation]:
    """The records of a dataset's chain."""
    return [
        Operation(
            name=recipe.name,
            position=position,
            site=recipe.site,
            arguments=recipe.described,
            function=call_sites.of_function(function_of(recipe)),
            python=recipe.name == "from_generator" or _runs_python(made),
            stateful=_keeps_state(made),
            cardinality=_cardinality(made),
            element_bytes=_element_bytes(made),
            by_keras=recipe.by_keras,
        )
        for position, (made, recipe) in enumerate(chain(dataset))
    ]


def _runs_python(dataset: Any) -> bool:
    """Whether the stage's own function calls back into Python (`py_function`, `numpy_function`)."""
    try:
        return any(
            node.op in ("PyFunc", "EagerPyFunc", "PyFuncStateless")
            for graph in _graphs_of(dataset)
            for node in _nodes(graph)
        )
    except AttributeError:
        return False


def _keeps_state(dataset: Any) -> bool:
    """Whether the stage's own function draws random numbers or writes to a variable, as random layers do."""
    try:
        return any(node.op.startswith(STATEFUL) for graph in _graphs_of(dataset) for node in _nodes(graph))
    except AttributeError:
        return False


def _cardinality(dataset: Any) -> int | None:
    try:
        count = int(dataset.cardinality())
    except Exception:
        return None
    return count if count >= -1 else None


def _element_bytes(dataset: Any) -> int | None:
    """Bytes of an element; None if a shape is unknown or an element holds strings."""
    import tensorflow as tf

    total = 0
    for spec in tf.nest.flatten(dataset.element_spec):
        if not isinstance(spec, tf.TensorSpec) or not spec.shape.is_fully_defined():
            return None
        if spec.dtype in (tf.string, tf.variant, tf.resource):
            return None
        total += int(spec.dtype.size * spec.shape.num_elements())
    return total


def _graphs_of(dataset: Any) -> list[Any]:
    return [
        getattr(dataset, name).function.graph.as_graph_def()
        for name in WRAPPED
        if getattr(dataset, name, None) is not None
    ]


def _nodes(graph: Any) -> Iterator[Any]:
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def
