"""One real batch of a fit, as NumPy arrays."""

from __future__ import annotations

import inspect
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds, tfdata_recipes
from fitdoctor.probe.trainer import keras_internals
from fitdoctor.probe.trials.inside.layers import NotInspectableError
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE

# Inputs, targets and sample weights, each a nest of arrays or None.
Batch = tuple[Any, Any, Any]
# Stages that keep or write the data. After one batch they would keep it as if it were all the data.
KEEPING_STAGES = frozenset({"cache", "snapshot", "save"})


def drawn(bound: dict[str, Any], rows: int) -> Batch:
    """A batch of at most `rows` rows: evenly spaced rows of arrays, the first batch of any other input.

    Raises:
        NotInspectableError: No batch may be drawn from the input.
    """
    kind = kinds.input_kind(bound["x"])
    if kind == "arrays":
        count = min(kinds.rows(bound["x"]) or 0, int(bound["batch_size"] or DEFAULT_BATCH_SIZE), rows)
        return tuple(
            None if bound[name] is None else _each(bound[name], count, picked=True)
            for name in ("x", "y", "sample_weight")
        )  # type: ignore[return-value]
    given = keras_internals.unpacked(_first(bound["x"], kind))
    return tuple(None if part is None else _each(part, rows, picked=False) for part in given)  # type: ignore[return-value]


def as_fed(batch: Batch) -> Batch:
    """The batch as tensors of the backend. Wide floats get the type that Keras gives them."""
    import numpy as np

    keras = backends.keras_module()
    made = keras_internals.operations().convert_to_tensor

    def tensor(values: Any) -> Any:
        wide = values.dtype.kind == "f" and values.dtype != np.dtype("float16")
        return made(values.astype(keras.backend.floatx()) if wide else values)

    return tuple(None if part is None else backends.tree().map_structure(tensor, part) for part in batch)  # type: ignore[return-value]


def _first(x: Any, kind: str) -> Any:
    if kind == "tf.data":
        if KEEPING_STAGES & {recipe.name for _, recipe in tfdata_recipes.chain(x)}:
            raise NotInspectableError("its pipeline keeps what goes through it, so no batch was drawn from it")
        from fitdoctor.probe.apply import tfdata

        shuffled = any(recipe.name == "shuffle" for _, recipe in tfdata_recipes.chain(x))
        ordered = tfdata.ordered(x) if shuffled else x  # a shuffle would fill its buffer first
        return next(iter(ordered.take(1).as_numpy_iterator()))
    if kind == "pydataset":
        return x[0]
    if kind in ("dataloader", "grain"):
        return next(iter(x))
    if kind == "generator" and inspect.isgenerator(x):
        return next(x)
    raise NotInspectableError(f"no batch was drawn from an input of the kind {kind}")


def _each(nest: Any, count: int, *, picked: bool) -> Any:
    """The same nest with some rows of each array."""
    if isinstance(nest, dict):
        return {key: _each(part, count, picked=picked) for key, part in nest.items()}
    if isinstance(nest, tuple) or isinstance(nest, list) and nest and hasattr(nest[0], "shape"):
        return type(nest)([_each(part, count, picked=picked) for part in nest])
    return _rows(nest, count, picked=picked)


def _rows(part: Any, count: int, *, picked: bool) -> Any:
    import numpy as np

    if hasattr(part, "iloc"):
        part = part.to_numpy()
    if type(part).__module__.partition(".")[0] == "torch":
        part = part.detach().to("cpu").numpy()
    if isinstance(part, list) or not hasattr(part, "__getitem__") or not picked:
        return np.asarray(part)[:count]
    total = kinds.rows(part) or 0
    index = np.unique(np.linspace(0, max(0, total - 1), count).astype(int))
    return np.asarray(part[index] if isinstance(part, np.ndarray) else part[: len(index)])
