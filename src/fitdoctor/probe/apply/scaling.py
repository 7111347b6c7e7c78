"""Scales the inputs of a live model to zero mean and unit deviation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fitdoctor.changes.model import Change, ScaleInput
from fitdoctor.probe import backends

# A feature with a deviation below this share of its mean is constant: dividing by it would amplify rounding errors.
CONSTANT = 1e-6


@dataclass(frozen=True, slots=True)
class Scale:
    """What is subtracted from each feature of an input, and what it is divided by."""

    mean: Any
    deviation: Any


def scale_of(values: Any, *, together: bool) -> Scale:
    """The scale of an array's features along its last axis.

    Args:
        values: The array.
        together: Whether all features share one scale, like the pixels of an image.
    """
    import numpy as np

    table = np.asarray(values).astype(np.float64)
    table = table.reshape(-1, table.shape[-1] if table.ndim > 1 else 1)
    axis = None if together else 0
    mean, deviation = np.nanmean(table, axis=axis), np.nanstd(table, axis=axis)
    deviation = np.where(deviation > CONSTANT * np.maximum(np.abs(mean), CONSTANT), deviation, 1.0)
    return Scale(mean.astype(np.float32), deviation.astype(np.float32))


def wanted(samples: dict[str, Any], changes: list[Change]) -> list[Scale | None]:
    """The scale of each part of an input: None for a part without a change, no list entries without any change.

    Args:
        samples: The parts of fit's `x` by name in the order in which Keras flattens them, each an array of some rows.
        changes: Any; only changes of scales count.

    Raises:
        ValueError: The input has no such part.
    """
    together = {part: change.together for change in changes if isinstance(change, ScaleInput) for part in change.parts}
    if not set(together) <= set(samples):
        raise ValueError("the input has other parts than those that were to be scaled")
    return (
        [scale_of(values, together=together[name]) if name in together else None for name, values in samples.items()]
        if together
        else []
    )


def put_in_front(model: Any, scales: list[Scale | None]) -> Callable[[], None]:
    """Scales the inputs of each call of the model, in training and later. Train functions must be made again.

    Args:
        model: Any Keras model.
        scales: As `wanted` gives them.

    Returns:
        A function that removes the scaling.

    Raises:
        ValueError: The model does not take such an input.
    """
    if not scales:
        return lambda: None
    _check_inputs(model, scales)
    call = model.call

    def scaled(inputs: Any, *arguments: Any, **keywords: Any) -> Any:
        return call(_scaled(inputs, scales), *arguments, **keywords)

    object.__setattr__(model, "call", scaled)
    return lambda: object.__delattr__(model, "call")


def _check_inputs(model: Any, scales: list[Scale | None]) -> None:
    declared = getattr(model, "inputs", None) or []
    if declared and len(declared) != len(scales):
        raise ValueError(f"the model has {len(declared)} inputs and its data {len(scales)} parts")
    for tensor, scale in zip(declared, scales, strict=False):
        if scale is not None and not _name(tensor.dtype).startswith(("float", "bfloat")):
            raise ValueError(f"the model takes {_name(tensor.dtype)}, which a scaled input would not be")


def _name(dtype: Any) -> str:
    return str(getattr(dtype, "name", dtype))


def _scaled(inputs: Any, scales: list[Scale | None]) -> Any:
    tree = backends.tree()
    parts = tree.flatten(inputs)
    if len(parts) != len(scales):
        raise ValueError(f"the model was called with {len(parts)} inputs and its data has {len(scales)} parts")
    changed = [part if scale is None else _one(part, scale) for part, scale in zip(parts, scales, strict=True)]
    return tree.pack_sequence_as(inputs, changed)


def _one(part: Any, scale: Scale) -> Any:
    if backends.name() == backends.LEGACY:
        import tensorflow as tf

        numbers = tf.cast(part, backends.keras_module().backend.floatx())
        return (numbers - tf.cast(scale.mean, numbers.dtype)) / tf.cast(scale.deviation, numbers.dtype)
    import keras

    values = keras.ops.cast(part, keras.config.floatx())
    return (values - keras.ops.cast(scale.mean, values.dtype)) / keras.ops.cast(scale.deviation, values.dtype)
