"""The kind of an input, and how many samples and steps it has."""

from __future__ import annotations

import inspect
import math
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import nests
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE


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
    leaf = nests.first_leaf(x)
    return "arrays" if hasattr(leaf, "shape") or isinstance(leaf, list) else "unknown"


def is_sequence(x: Any) -> bool:
    """Whether this is a `Sequence` of tf_keras, the predecessor of `PyDataset`."""
    return _is_one_of(x, backends.LEGACY, "utils.Sequence")


def _is_one_of(x: Any, framework: str, *names: str) -> bool:
    """Whether an object is of one of these classes, given by dotted names. The framework may be missing."""
    for dotted in names:
        found: Any = backends.loaded(framework)
        for name in dotted.split("."):
            found = getattr(found, name, None)
        if isinstance(found, type) and isinstance(x, found):
            return True
    return False


def rows(x: Any) -> int | None:
    """How many samples an array input has, or None if it has no length."""
    leaf = nests.first_leaf(x)
    shape = getattr(leaf, "shape", None)
    if shape is not None and len(shape) and shape[0] is not None:
        return int(shape[0])
    return len(leaf) if isinstance(leaf, list) else None


def steps_of(x: Any, batch_size: int | None, steps: int | None) -> int | None:
    """Steps in one pass over an input, or None if that is unknown without drawing from it."""
    if steps:
        return int(steps)
    kind = input_kind(x)
    if kind == "arrays":
        count = rows(x)
        return math.ceil(count / (batch_size or DEFAULT_BATCH_SIZE)) if count else None
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
