"""How the numbers of fit's input are spread, from a bounded sample of its rows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from fitdoctor.probe import describe, first_layers, pipelines
from fitdoctor.recording.model import Fit, InputArray, Spread

SAMPLE_ROWS = 4096
SAMPLE_BYTES = 32 << 20
"""More would not tell more: a column that is a thousand times wider than another is so in any thousand rows."""
LEAST_ROWS = 16
LISTED_FEATURES = 256
BATCHES = 4
WITHOUT_HARM = frozenset({"from_tensor_slices", "from_tensors", "range", "zip", "shuffle", "repeat", "batch", "padded_batch", "map",
                          "prefetch", "take", "skip", "shard", "with_options", "filter", "interleave", "list_files", "TFRecordDataset",
                          "TextLineDataset", "FixedLengthRecordDataset", "unbatch", "rebatch", "concatenate", "enumerate"})  # fmt: skip
"""Stages of which a second iterator may be made and dropped: they neither write files nor keep anything between iterators."""


def learn(record: Fit, model: Any, bound: dict[str, Any], *, draw: bool) -> None:
    """Adds to the record how each part of `x` is spread, and the layers that it meets first.

    Args:
        record: Of the fit, its model built.
        model: The model.
        bound: Fit's arguments by name.
        draw: Whether batches may be drawn from a dataset; one that could notice it is left alone anyway.
    """
    samples = dict(sampled(bound["x"], record.input_kind, draw=draw))
    met = first_layers.of(model, len(samples))
    for (name, values), layers in zip(samples.items(), met, strict=True):
        known = next((part for part in record.inputs if part.name == name), None)
        if known is None:
            known = InputArray(name=name, container="", dtype=str(values.dtype), shape=[None, *values.shape[1:]])
            record.inputs.append(known)
        known.spread, known.layers = of(values), layers


def sampled(x: Any, kind: str, *, draw: bool) -> Iterator[tuple[str, Any]]:
    """Each part of fit's `x` by its name, as an array of some of its rows, in the order in which Keras flattens it."""
    import numpy as np

    if kind == "arrays":
        for name, part in parts(x):
            yield name, np.asarray(_some_rows(part))
    elif kind == "tf.data" and draw and _may_be_drawn(x):
        yield from _from_batches(x)


def parts(x: Any, name: str = "x") -> Iterator[tuple[str, Any]]:
    """The parts of a nest with the path to each, in the order in which Keras flattens it: dicts by their sorted keys."""
    if isinstance(x, dict):
        for key in sorted(x):
            yield from parts(x[key], f"{name}[{key!r}]")
    elif isinstance(x, tuple) or isinstance(x, list) and x and hasattr(x[0], "shape"):
        for index, part in enumerate(x):
            yield from parts(part, f"{name}[{index}]")
    else:
        yield name, x


def of(values: Any) -> Spread | None:
    """The spread of an array along its last axis, or None where it holds no numbers."""
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
    table = np.where(np.isfinite(table), table, np.nan)
    known = ~np.isnan(table).all(axis=0)
    if not known.any():
        return None
    table = table[:, known]
    return Spread(
        rows=int(values.shape[0]),
        features=features,
        mean=_plain(np.nanmean(table, axis=0)),
        std=_plain(np.nanstd(table, axis=0)),
        low=_plain(np.nanmin(table, axis=0)),
        high=_plain(np.nanmax(table, axis=0)),
        whole=bool(values.dtype.kind in "iub" or (np.nan_to_num(table) == np.round(np.nan_to_num(table))).all()),
    )


def _plain(figures: Any) -> list[float]:
    return [float(f"{figure:.6g}") for figure in figures if math.isfinite(figure)]


def _some_rows(part: Any) -> Any:
    """Rows of an array, evenly spread, of any container that Keras takes."""
    import numpy as np

    rows = describe.rows(part) or 0
    shape = getattr(part, "shape", (rows,))
    row_bytes = 8 * math.prod(int(size or 1) for size in shape[1:])
    count = min(rows, SAMPLE_ROWS, max(LEAST_ROWS, SAMPLE_BYTES // row_bytes))
    picked = np.unique(np.linspace(0, max(0, rows - 1), count).astype(int))
    if hasattr(part, "iloc"):
        return part.iloc[picked].to_numpy()
    if isinstance(part, list):
        return [part[index] for index in picked]
    if isinstance(part, np.ndarray):
        return part[picked]
    if type(part).__module__.startswith("tensorflow"):
        import tensorflow as tf

        return tf.gather(part, picked).numpy()
    return np.asarray(part[: len(picked)])  # of what else there is, such as HDF5, only slices are cheap


def _may_be_drawn(dataset: Any) -> bool:
    steps = pipelines.operations(dataset)
    chain = pipelines.chain(dataset)
    names = {recipe.name for _, recipe in chain}
    return bool(chain) and names <= WITHOUT_HARM and not any(step.python for step in steps)


def _from_batches(dataset: Any) -> Iterator[tuple[str, Any]]:
    import numpy as np

    from fitdoctor.changes import pipeline

    found: dict[str, list[Any]] = {}
    shuffled = any(recipe.name == "shuffle" for _, recipe in pipelines.chain(dataset))
    # A shuffle would fill its buffer first, for the sake of a few batches.
    for batch in (pipeline.ordered(dataset) if shuffled else dataset).take(BATCHES).as_numpy_iterator():
        for name, part in parts(batch[0] if isinstance(batch, tuple) else batch):
            found.setdefault(name, []).append(np.asarray(part))
    for name, batches in found.items():
        same = [batch for batch in batches if batch.shape[1:] == batches[0].shape[1:]]
        yield name, np.concatenate(same)[:SAMPLE_ROWS]
