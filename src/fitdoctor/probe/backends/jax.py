"""Keras 3 on JAX."""

from __future__ import annotations

import sys
from typing import Any

EPOCH_ITERATOR = ("keras.src.backend.jax.trainer", "JAXEpochIterator")


def drawn_in() -> str:
    """The train function draws from an iterator. Before Keras 3.7, the loop itself draws."""
    from keras.src.backend.jax import trainer

    return "function" if "__next__" in vars(trainer.JAXEpochIterator) else "loop"


def version() -> str:
    """The version of JAX."""
    import jax

    return str(jax.__version__)


def is_distributed(model: Any) -> bool:
    """Whether a Keras distribution is active, or JAX runs on several hosts."""
    import jax
    import keras

    return keras.distribution.distribution() is not None or jax.process_count() > 1


def devices() -> list[str] | None:
    """The accelerators of JAX; empty for a CPU, None before JAX has chosen its platform.

    Asking JAX earlier would choose the platform.
    """
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is None or not getattr(bridge, "_backends", None):
        return None
    import jax

    return [f"{device.device_kind} {device.id}" for device in jax.devices() if device.platform != "cpu"]
