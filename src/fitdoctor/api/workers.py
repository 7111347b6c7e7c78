"""Ends the workers of data sets that an abandoned fit leaves running. Keras ends them with the epoch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.support.patches import Patches


def track_new_workers() -> Callable[[], None]:
    """Tracks the workers that are started from now on. Returns a function that ends those that still run."""
    started: list[Any] = []
    patches = Patches()
    enqueuers = _enqueuer_class()
    start = enqueuers.start

    @functools.wraps(start)
    def tracked_start(self: Any, *arguments: Any, **keywords: Any) -> None:
        started.append(self)
        start(self, *arguments, **keywords)

    patches.put(enqueuers, "start", tracked_start)

    def end() -> None:
        patches.undo()
        for enqueuer in started:
            enqueuer.stop()

    return end


def _enqueuer_class() -> Any:
    if backends.name() == backends.LEGACY:
        from tf_keras.src.utils.data_utils import SequenceEnqueuer

        return SequenceEnqueuer
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetEnqueuer

    return PyDatasetEnqueuer
