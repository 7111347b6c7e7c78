"""Reads some entries of a variable without side effects: nothing is compiled, assigned, drawn or kept."""

from __future__ import annotations

from typing import Any

# From another device, JAX copies a whole array. Larger arrays are not read.
MOST_COPIED_BYTES = 1 << 20


def entries(variable: Any, index: Any) -> Any:
    """Copies the entries at some positions of a flattened variable; None if that has side effects.

    During an epoch, Keras' JAX trainer takes the values out of the variables and donates them to the next step. Then
    nothing is read.

    Args:
        variable: Of Keras, or of TensorFlow.
        index: Positions, as a NumPy array of whole numbers.
    """
    import numpy as np

    value = getattr(variable, "_value", variable)
    if value is None:
        return None
    framework = type(value).__module__.partition(".")[0]
    if framework == "torch":
        found = _of_torch(value, index)
    elif framework == "tensorflow":
        found = _of_tensorflow(value, index)
    elif framework.startswith("jax"):
        found = _of_jax(value, index)
    else:
        return None
    return None if found is None else np.asarray(found, dtype=np.float64)


def number(variable: Any) -> float | None:
    """The value of a variable that holds one number."""
    import numpy as np

    found = entries(variable, np.zeros(1, dtype=np.int64))
    return None if found is None else float(found[0])


def _of_torch(value: Any, index: Any) -> Any:
    import torch

    # `take` copies, and touches neither the variable nor its gradient.
    return torch.take(value.detach(), torch.from_numpy(index).to(value.device)).to("cpu", torch.float64).numpy()


def _of_tensorflow(value: Any, index: Any) -> Any:
    tensor = value.read_value() if hasattr(value, "read_value") else value
    if "CPU" in tensor.device:
        return tensor._numpy().reshape(-1)[index]  # a view, which is released before the next step
    import tensorflow as tf

    return tf.gather(tf.reshape(tensor, [-1]), index).numpy()


def _of_jax(value: Any, index: Any) -> Any:
    import numpy as np

    if value.is_deleted() or not value.is_fully_addressable:
        return None
    on_cpu = all(device.platform == "cpu" for device in value.devices())
    if not (on_cpu and len(value.devices()) == 1) and value.nbytes > MOST_COPIED_BYTES:
        return None
    # On one CPU this is a view. Once it is released, the buffer can be donated.
    return np.asarray(value).reshape(-1)[index]
