"""Keras 3 on JAX."""

from __future__ import annotations

import sys
from typing import Any

WAITS_IN_LOOP = False
"""The train function draws from an iterator that it is given."""


def epoch_iterator() -> type:
    """What `fit` draws its steps from: the input itself is drawn by the train function, before the compiled step."""
    from keras.src.backend.jax.trainer import JAXEpochIterator

    found: type = JAXEpochIterator
    return found


def version() -> str:
    """Of JAX."""
    import jax

    return str(jax.__version__)


def is_distributed(model: Any) -> bool:
    """Whether a distribution of Keras' is in force, or JAX runs on several hosts."""
    import jax
    import keras

    return keras.distribution.distribution() is not None or jax.process_count() > 1


def devices() -> list[str] | None:
    """The accelerators that JAX uses, empty for a CPU; None as long as none was used, since to ask for them settles the platform."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is None or not getattr(bridge, "_backends", None):
        return None
    import jax

    return [f"{device.device_kind} {device.id}" for device in jax.devices() if device.platform != "cpu"]
