"""Converts data containers to plain arrays, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fitdoctor.probe.apply.materialize import MEMORY_SHARE, free_bytes


def converted(value: Any, dtypes: dict[str, str]) -> Any:
    """Converts a nest of data containers to plain arrays, with the element types that `dtypes` asks for.

    Raises:
        ValueError: It can't become an array: its rows are ragged, it holds objects, or it exceeds the memory.
    """
    if isinstance(value, tuple):
        return tuple(converted(part, dtypes) for part in value)
    if isinstance(value, Mapping):  # also a file of named arrays
        return {name: converted(part, dtypes) for name, part in value.items()}
    if value is None or isinstance(value, (str, bytes, bool, int, float)):
        return value
    held = getattr(value, "nbytes", 0)
    if isinstance(held, (int, np.integer)) and held > free_bytes() * MEMORY_SHARE:
        raise ValueError("as one array it needs more than a quarter of the free memory")
    array = plain(value)
    wanted = dtypes.get(array.dtype.name)
    return array if wanted is None else array.astype(wanted)


def plain(value: Any) -> np.ndarray[Any, Any]:
    """Converts any container of numbers to an array in memory.

    Raises:
        ValueError: Its rows differ in length, or its elements are objects.
    """
    if hasattr(value, "toarray"):  # a sparse matrix
        return np.asarray(value.toarray())
    array: np.ndarray[Any, Any] = value if type(value) is np.ndarray else np.array(value)
    if array.dtype == object:
        try:
            array = np.stack([np.asarray(row) for row in array])
        except ValueError:
            raise ValueError("its rows differ in shape, so they make no array") from None
        if array.dtype == object:
            raise ValueError("its elements are objects, so they make no array of numbers")
    return array
