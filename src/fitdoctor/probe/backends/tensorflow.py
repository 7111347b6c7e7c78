"""Keras 3 on TensorFlow."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.patches import Patches
from fitdoctor.recording.model import Site

EPOCH_ITERATOR = ("keras.src.backend.tensorflow.trainer", "TFEpochIterator")


def drawn_in() -> str:
    """The compiled step draws from an iterator."""
    return "graph"


def version() -> str:
    """The version of TensorFlow."""
    import tensorflow as tf

    return str(tf.__version__)


def is_distributed(model: Any) -> bool:
    """Whether a distribution strategy other than the default is active."""
    import tensorflow as tf

    return type(model.distribute_strategy) is not type(tf.distribute.get_strategy()) or tf.distribute.has_strategy()


def watch_eager_switch(tensorflow: ModuleType) -> Patches:
    """Records the place of the last `tf.config.run_functions_eagerly`, until the result undoes it."""
    patches = Patches()
    original = tensorflow.config.run_functions_eagerly

    def wrapper(run_eagerly: bool) -> None:
        _eager_switch[:] = [guard.guarded(call_sites.find)]
        original(run_eagerly)

    patches.put(tensorflow.config, "run_functions_eagerly", wrapper)
    return patches


_eager_switch: list[Site | None] = []


def eager_globally() -> bool:
    """Whether `tf.config.run_functions_eagerly(True)` was called."""
    import tensorflow as tf

    return bool(tf.config.functions_run_eagerly())


def eager_site() -> Site | None:
    """The user's line that called it last, or None."""
    return _eager_switch[0] if _eager_switch else None


def devices() -> list[str] | None:
    """The accelerators of TensorFlow; empty for a CPU, None as long as the script may still choose.

    Asking TensorFlow earlier would fix its threads and its memory, which a script sets after its imports.
    """
    import tensorflow as tf

    module = sys.modules.get("tensorflow.python.eager.context")
    context = module.context_safe() if module is not None else tf
    if context is None or not getattr(context, "_initialized", True):
        return None
    return [device.name for device in tf.config.list_logical_devices() if device.device_type != "CPU"]
