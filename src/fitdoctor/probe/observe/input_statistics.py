"""Statistics of fit's input, targets and sample weights, from a limited sample of rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fitdoctor.probe.inputs import kinds, nests, tfdata_recipes
from fitdoctor.probe.trainer import first_layers
from fitdoctor.recording.model import ColumnStatistics, Fit, InputArray


@dataclass(frozen=True, slots=True)
class Sample:
    """The largest sample: evenly spaced rows, and their size as numbers of eight bytes."""

    rows: int
    most_bytes: int


# Larger samples show no more: a column that is a thousand times wider than another is so in any thousand rows.
FULL = Sample(4096, 32 << 20)
# In a real training. It takes about ten milliseconds, once for each call site of fit.
LIGHT = Sample(1024, 2 << 20)
LEAST_ROWS = 16
ARGUMENTS = ("x", "y", "sample_weight")
LISTED_FEATURES = 256
BATCHES = 4
# Stages that neither write files nor keep state between iterators: a second iterator has no side effects.
REPEATABLE_STAGES = frozenset(
    {
        "from_tensor_slices", "from_tensors", "range", "zip", "shuffle", "repeat", "batch", "padded_batch", "map",
        "prefetch", "take", "skip", "shard", "with_options", "filter", "interleave", "list_files", "TFRecordDataset",
        "TextLineDataset", "FixedLengthRecordDataset", "unbatch", "rebatch", "concatenate", "enumerate",
    }
)  # fmt: skip


def learn(record: Fit, model: Any, bound: dict[str, Any], *, draw: bool, sample: Sample = FULL) -> None:
    """Adds statistics of each part of fit's data to the record, and the first layers for each part of `x`.

    Args:
        record: Of the fit, whose model is built.
        model: The model.
        bound: Fit's arguments by name.
        draw: Whether batches may be drawn from a dataset without side effects. If not, only data in memory is read.
        sample: The size of the sample.
    """
    found = dict(_samples(bound, record.input_kind, draw=draw, sample=sample))
    inputs = [name for name in found if argument_of(name) == "x"]
    layers = dict(zip(inputs, first_layers.first_layers(model, len(inputs)), strict=True))
    for name, values in found.items():
        known = next((part for part in record.inputs if part.name == name), None)
        if known is None:
            known = InputArray(name=name, container="", dtype=str(values.dtype), shape=[None, *values.shape[1:]])
            record.inputs.append(known)
        known.spread, known.layers = statistics_of(values), layers.get(name, [])


def argument_of(name: str) -> str:
    """The argument of fit that a part belongs to, such as "x" for `x['age']`."""
    return name.partition("[")[0]


def sampled(x: Any, kind: str, *, draw: bool) -> Iterator[tuple[str, Any]]:
    """Some rows of each part of fit's `x`, by its name, in the order in which Keras flattens it."""
    for name, values in _samples({"x": x}, kind, draw=draw, sample=FULL):
        if argument_of(name) == "x":
            yield name, values


def _samples(bound: dict[str, Any], kind: str, *, draw: bool, sample: Sample) -> Iterator[tuple[str, Any]]:
    import numpy as np

    if kind == "arrays":
        for argument in ARGUMENTS:
            for name, part in nests.named_leaves(bound.get(argument), argument):
                if draw or in_memory(part):
                    yield name, np.asarray(_some_rows(part, sample))
    elif kind == "tf.data" and draw and _may_be_drawn(bound["x"]):
        yield from _from_batches(bound["x"])


def in_memory(part: Any) -> bool:
    """Whether rows of an array can be read without a file, and without moving all of it to the host."""
    import numpy as np

    package = type(part).__module__.partition(".")[0]
    if package.startswith("jax"):
        return int(part.nbytes) <= FULL.most_bytes or all(device.platform == "cpu" for device in part.devices())
    if isinstance(part, np.ndarray):
        while isinstance(part, np.ndarray):
            if isinstance(part, np.memmap):
                return False
            part = part.base
        return True
    return isinstance(part, list) or package in ("pandas", "tensorflow", "torch")


def statistics_of(values: Any) -> ColumnStatistics | None:
    """Statistics of an array along its last axis, or None if it holds no numbers."""
    import numpy as np

    if values.dtype == object:
        try:
            values = values.astype(np.float64)
        except (TypeError, ValueError):
            return None
    if values.dtype.kind not in "iufb" or values.size == 0:
        return None
    table = values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)
    features = table.shape[1]
    picked = np.unique(np.linspace(0, features - 1, min(features, LISTED_FEATURES)).astype(int))
    table = table[:, picked].astype(np.float64)
    finite = np.isfinite(table)
    zeros, nonfinite = float((table == 0).mean()), float(1 - finite.mean())
    table = np.where(finite, table, np.nan)
    known = ~np.isnan(table).all(axis=0)
    if not known.any():
        return None
    classes, largest, runs = _classes(values, table)
    table = table[:, known]
    with np.errstate(all="ignore"):
        means, deviations = np.nanmean(table, axis=0), np.nanstd(table, axis=0)
    known = np.isfinite(means) & np.isfinite(deviations)  # the square of a very large number overflows
    if not known.any():
        return None
    table = table[:, known]
    return ColumnStatistics(
        rows=int(values.shape[0]),
        features=features,
        mean=_plain(means[known]),
        std=_plain(deviations[known]),
        low=_plain(np.nanmin(table, axis=0)),
        high=_plain(np.nanmax(table, axis=0)),
        whole=bool(values.dtype.kind in "iub" or (np.nan_to_num(table) == np.round(np.nan_to_num(table))).all()),
        distinct=_distinct(table),
        zeros=float(f"{zeros:.6g}"),
        nonfinite=float(f"{nonfinite:.6g}"),
        classes=classes,
        largest=float(f"{largest:.6g}"),
        runs=runs,
    )


def _distinct(table: Any) -> list[int]:
    """The number of distinct values of each column of whole numbers; 0 for other columns."""
    import numpy as np

    ordered = np.sort(table, axis=0)  # NaN comes last, and no NaN equals another
    new = (ordered[1:] != ordered[:-1]) & ~np.isnan(ordered[1:])
    whole = (np.isnan(table) | (table == np.round(table))).all(axis=0)
    return [int(count) for count in np.where(whole, 1 + new.sum(axis=0), 0)]


def _classes(values: Any, table: Any) -> tuple[int, float, int]:
    """The number of classes if each row is one, the share of the largest, and the number of runs of one class."""
    import numpy as np

    rows, width = values.shape[0], table.shape[1]
    if table.shape[0] != rows or np.isnan(table).any():
        return 0, 0.0, 0
    if width == 1 and (table == np.round(table)).all():
        _, labels, counts = np.unique(table[:, 0], return_inverse=True, return_counts=True)
        classes, largest = len(counts), counts.max() / rows
    elif (
        width > 1 and width == values.shape[-1] and np.isin(table, (0.0, 1.0)).all() and (table.sum(axis=1) == 1).all()
    ):
        labels, classes, largest = table.argmax(axis=1), width, table.mean(axis=0).max()
    else:
        return 0, 0.0, 0
    return int(classes), float(largest), 1 + int((labels[1:] != labels[:-1]).sum())


def _plain(figures: Any) -> list[float]:
    return [float(f"{figure:.6g}") for figure in figures]


def _some_rows(part: Any, sample: Sample) -> Any:
    """Evenly spaced rows of any container that Keras accepts."""
    import numpy as np

    rows = kinds.rows(part) or 0
    shape = getattr(part, "shape", (rows,))
    row_bytes = 8 * math.prod(int(size or 1) for size in shape[1:])
    count = min(rows, sample.rows, max(LEAST_ROWS, sample.most_bytes // row_bytes))
    picked = np.unique(np.linspace(0, max(0, rows - 1), count).astype(int))
    if hasattr(part, "iloc"):
        return part.iloc[picked].to_numpy()
    if isinstance(part, list):
        return [part[index] for index in picked]
    if isinstance(part, np.ndarray):
        return part[picked]
    package = type(part).__module__.partition(".")[0]
    if package == "tensorflow":
        import tensorflow as tf

        return tf.gather(part, picked).numpy()
    if package == "torch":
        import torch

        return part.detach()[torch.from_numpy(picked).to(part.device)].to("cpu").numpy()
    if package.startswith("jax"):
        return np.asarray(part)[picked]  # not by JAX, which would compile this
    return np.asarray(part[: len(picked)])  # of others, such as HDF5, only slices are cheap


def _may_be_drawn(dataset: Any) -> bool:
    steps = tfdata_recipes.operations(dataset)
    chain = tfdata_recipes.chain(dataset)
    names = {recipe.name for _, recipe in chain}
    return bool(chain) and names <= REPEATABLE_STAGES and not any(step.python for step in steps)


def _from_batches(dataset: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    from fitdoctor.probe.apply import tfdata

    found: dict[str, list[Any]] = {}
    shuffled = any(recipe.name == "shuffle" for _, recipe in tfdata_recipes.chain(dataset))
    # A shuffle would fill its buffer first, only for a few batches.
    for batch in (tfdata.ordered(dataset) if shuffled else dataset).take(BATCHES).as_numpy_iterator():
        for argument, given in zip(ARGUMENTS, batch if isinstance(batch, tuple) else (batch,), strict=False):
            for name, part in nests.named_leaves(given, argument):
                found.setdefault(name, []).append(np.asarray(part))
    for name, batches in found.items():
        same = [batch for batch in batches if batch.shape[1:] == batches[0].shape[1:]]
        yield name, np.concatenate(same)[: FULL.rows]
