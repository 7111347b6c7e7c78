"""tf_keras: Keras 2, on TensorFlow.

Its `fit` has the patch points of Keras 3 with the same names: hooks on `CallbackList`, which are called at each step, whether
or not a callback has a hook of batches. Only the loop is another: it asks its `DataHandler` for the numbers of an
epoch's steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from fitdoctor.probe.backends.tensorflow import devices, drawn_in, is_distributed, version
from fitdoctor.probe.support.patches import Patches

__all__ = ["OLDEST", "declined", "devices", "drawn_in", "is_distributed", "stand_in_loop", "version"]

OLDEST = (2, 15)
"""The first that was released under this name."""


def declined(tf_keras: ModuleType) -> str:
    """Why this tf_keras can't be observed, or an empty string."""
    found = str(tf_keras.__version__)
    parts = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        return f"Received tf_keras {found}, expected {OLDEST[0]}.{OLDEST[1]} or later. Upgrade it in the script's environment."
    return ""


def stand_in_loop(patches: Patches, stop_here: Callable[[Any], bool]) -> None:
    """Asks before each step of an epoch, or of a pass over the validation data, whether it is to end there."""
    from tf_keras.src.engine.data_adapter import DataHandler

    original = DataHandler.steps

    @functools.wraps(original)
    def steps(handler: Any) -> Iterator[int]:
        execution = handler._steps_per_execution
        whole = execution.numpy()
        for step in original(handler):
            if patches.live and stop_here(handler):
                if execution.numpy() != whole:  # what is left of an epoch makes its last execution a shorter one
                    execution.assign(whole)
                return
            yield step

    patches.put(DataHandler, "steps", steps)
