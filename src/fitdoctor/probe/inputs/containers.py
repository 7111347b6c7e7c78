"""Describes the containers of the data of `fit`, without converting or copying them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from fitdoctor.probe.inputs import nests
from fitdoctor.recording.model import InputArray

# Containers that are named if an attribute of a user's dataset is one: their rows are slower to read than an array's.
HOLDERS = ("h5py.File", "h5py.Group", "h5py.Dataset", "numpy.memmap", "pandas.DataFrame", "pandas.Series")


def arrays(bound: dict[str, Any], kind: str) -> list[InputArray]:
    """One record for each array of `x`, `y` and `sample_weight`, or for each component of a dataset's elements."""
    if kind == "tf.data":
        return list(_components(bound["x"].element_spec))
    if kind == "pydataset":
        return list(_slow_containers("x", bound["x"]))
    if kind == "dataloader":
        return list(_slow_containers("x.dataset", bound["x"].dataset))
    if kind == "arrays":
        return [
            _described(name, part)
            for argument in ("x", "y", "sample_weight")
            for name, part in nests.named_leaves(bound[argument], argument)
        ]
    return []


def _slow_containers(name: str, owner: Any) -> Iterator[InputArray]:
    """The attributes of an object that are containers with slow reads."""
    for attribute, value in getattr(owner, "__dict__", {}).items():
        if container(value) in HOLDERS:
            yield _described(f"{name}.{attribute}", value)


def container(value: Any) -> str:
    """The type of a container, with its package."""
    cls = type(value)
    package = cls.__module__.partition(".")[0]
    return cls.__name__ if package == "builtins" else f"{package}.{cls.__name__}"


def _described(name: str, value: Any) -> InputArray:
    import numpy as np

    if isinstance(value, list):
        shape = [len(value), *np.shape(value[0])] if value else [0]
        return InputArray(name=name, container="list", shape=shape)
    shape = [None if size is None else int(size) for size in getattr(value, "shape", ())]
    dtype = getattr(value, "dtype", None)
    if dtype is None and hasattr(value, "columns"):  # a table: each column has its own type
        columns = {str(column) for column in value.dtypes}
        dtype = np.dtype(columns.pop()) if len(columns) == 1 else np.dtype(object)
    size = getattr(dtype, "itemsize", getattr(dtype, "size", 0))
    count = math.prod(part or 0 for part in shape)
    return InputArray(
        name=name, container=container(value), dtype=getattr(dtype, "name", ""), shape=shape, bytes=count * int(size)
    )


def _components(spec: Any) -> Iterator[InputArray]:
    for argument, part in zip(("x", "y", "sample_weight"), spec if isinstance(spec, tuple) else (spec,), strict=False):
        for name, tensor in nests.named_leaves(part, argument):
            shape = getattr(tensor, "shape", None)
            sizes = shape.as_list() if shape is not None and shape.rank is not None else []
            dtype = getattr(tensor, "dtype", None)
            known = math.prod(size or 1 for size in sizes) * (dtype.size if dtype is not None else 0)
            yield InputArray(
                name=name, container="tf.data", dtype=dtype.name if dtype is not None else "", shape=sizes, bytes=known
            )
