"""tf_keras: Keras 2, on TensorFlow.

Its `fit` has the patch points of Keras 3 with the same names: hooks of `CallbackList`, which it calls at each step even
if no callback has such a hook. Only the loop differs: it asks its `DataHandler` for the numbers of an epoch's steps.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from fitdoctor.probe.backends.tensorflow import devices, drawn_in, is_distributed, version
from fitdoctor.probe.support.patches import Patches

__all__ = ["OLDEST", "declined", "devices", "drawn_in", "is_distributed", "stand_in_loop", "version"]

# The first version with this name.
OLDEST = (2, 15)


def declined(tf_keras: ModuleType) -> str:
    """Why this tf_keras can't be observed, or an empty string."""
    found = str(tf_keras.__version__)
    parts = tuple(int(part) for part in found.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        oldest = f"{OLDEST[0]}.{OLDEST[1]}"
        return f"Received tf_keras {found}, expected {oldest} or later. Upgrade it in the script's environment."
    return ""


def stand_in_loop(patches: Patches, stop_here: Callable[[Any], bool]) -> None:
    """Asks before each step of an epoch, or of a validation pass, whether it is to end there."""
    from tf_keras.src.engine.data_adapter import DataHandler

    original = DataHandler.steps

    @functools.wraps(original)
    def steps(handler: Any) -> Iterator[int]:
        execution = handler._steps_per_execution
        whole = execution.numpy()
        for step in original(handler):
            if patches.live and stop_here(handler):
                if execution.numpy() != whole:  # the last execution of an epoch may be shorter
                    execution.assign(whole)
                return
            yield step

    patches.put(DataHandler, "steps", steps)
