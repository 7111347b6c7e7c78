"""What an input is: its kind, and how many samples and steps there are in it."""

from __future__ import annotations

import inspect
import math
from typing import Any

from fitdoctor.probe import backends


def input_kind(x: Any) -> str:
    """One of "arrays", "tf.data", "pydataset", "dataloader", "grain", "generator" or "unknown"."""
    if _is_one_of(x, "tensorflow", "data.Dataset"):
        return "tf.data"
    if _is_one_of(x, "keras", "utils.PyDataset") or is_sequence(x):
        return "pydataset"
    if _is_one_of(x, "torch", "utils.data.DataLoader"):
        return "dataloader"
    if _is_one_of(x, "grain", "MapDataset", "IterDataset", "DataLoader"):
        return "grain"
    if inspect.isgenerator(x) or hasattr(x, "__next__"):
        return "generator"
    leaf = first_leaf(x)
    return "arrays" if hasattr(leaf, "shape") or isinstance(leaf, list) else "unknown"


def is_sequence(x: Any) -> bool:
    """Whether this is the data set of tf_keras which in Keras 3 became `PyDataset`."""
    return _is_one_of(x, backends.LEGACY, "utils.Sequence")


def _is_one_of(x: Any, framework: str, *names: str) -> bool:
    """Whether an object is of one of these classes, by dotted names, of a framework that the script may not even have."""
    for dotted in names:
        found: Any = backends.loaded(framework)
        for name in dotted.split("."):
            found = getattr(found, name, None)
        if isinstance(found, type) and isinstance(x, found):
            return True
    return False


def first_leaf(x: Any) -> Any:
    """The first array of a nest of dicts, tuples and lists of arrays."""
    while isinstance(x, (dict, tuple)) or isinstance(x, list) and x and hasattr(x[0], "shape"):
        if not x:
            return None
        x = next(iter(x.values())) if isinstance(x, dict) else x[0]
    return x


def rows(x: Any) -> int | None:
    """How many samples an array input has, or None where it has no length."""
    leaf = first_leaf(x)
    shape = getattr(leaf, "shape", None)
    if shape is not None and len(shape) and shape[0] is not None:
        return int(shape[0])
    return len(leaf) if isinstance(leaf, list) else None


def steps_of(x: Any, batch_size: int | None, steps: int | None) -> int | None:
    """Steps in one pass over an input, as far as it can be told without drawing from it."""
    if steps:
        return int(steps)
    kind = input_kind(x)
    if kind == "arrays":
        count = rows(x)
        return math.ceil(count / (batch_size or 32)) if count else None
    if kind == "tf.data":
        cardinality = int(x.cardinality())
        return cardinality if cardinality >= 0 else None
    if kind == "pydataset" and not is_sequence(x):
        return None if x.num_batches is None else int(x.num_batches)
    if kind in ("pydataset", "dataloader", "grain"):
        try:
            return len(x)
        except TypeError:
            return None
    return None
