"""Walks over nests: dicts, tuples and lists whose leaves are arrays, tensors, tables or datasets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


def children(value: Any, *, any_list: bool = False) -> Iterable[tuple[Any, Any]] | None:
    """The parts of a nest with their keys, or None for a leaf.

    A list is a nest if it holds arrays. Any other list is itself data that Keras converts to an array.

    Args:
        value: A nest or a leaf.
        any_list: Whether every list is a nest.
    """
    if isinstance(value, dict):
        return value.items()
    if isinstance(value, tuple) or isinstance(value, list) and (any_list or value and hasattr(value[0], "shape")):
        return enumerate(value)
    return None


def leaves(value: Any, *, any_list: bool = False) -> Iterator[Any]:
    """The leaves of a nest, without None."""
    parts = children(value, any_list=any_list)
    if parts is not None:
        for _, part in parts:
            yield from leaves(part, any_list=any_list)
    elif value is not None:
        yield value


def named_leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The leaves of a nest, without None, with the path to each.

    The order is that in which Keras flattens a nest: dicts by their sorted keys.
    """
    parts = children(value)
    if parts is not None:
        for key, part in sorted(parts, key=lambda each: each[0]):
            yield from named_leaves(part, f"{name}[{key!r}]")
    elif value is not None:
        yield name, value


def first_leaf(value: Any) -> Any:
    """The first leaf of a nest, or None if it is empty."""
    while (parts := children(value)) is not None:
        _, value = next(iter(parts), (None, None))
    return value


def map_leaves(function: Callable[[Any], Any], value: Any, *, any_list: bool = False) -> Any:
    """The same nest with the result of a function for each leaf."""
    if isinstance(value, dict):
        return {key: map_leaves(function, part, any_list=any_list) for key, part in value.items()}
    parts = children(value, any_list=any_list)
    if parts is None:
        return function(value)
    return type(value)(map_leaves(function, part, any_list=any_list) for _, part in parts)
