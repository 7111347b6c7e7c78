"""Ends the workers of data sets that an abandoned fit leaves behind: Keras ends them with the epoch that they were started for."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from keras.src.trainers.data_adapters import py_dataset_adapter

from fitdoctor.probe.patches import Patches


def ended_afterwards() -> Callable[[], None]:
    """Notes which workers are started from now on; the result ends those that still run."""
    started: list[Any] = []
    patches = Patches()
    start = py_dataset_adapter.PyDatasetEnqueuer.start

    @functools.wraps(start)
    def noted(self: Any) -> None:
        started.append(self)
        start(self)

    patches.put(py_dataset_adapter.PyDatasetEnqueuer, "start", noted)

    def end() -> None:
        patches.undo()
        for enqueuer in started:
            enqueuer.stop()

    return end
