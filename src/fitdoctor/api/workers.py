"""Ends the workers of data sets that an abandoned fit leaves behind:

Keras ends them with the epoch that they were started for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.support.patches import Patches


def ended_afterwards() -> Callable[[], None]:
    """Notes which workers are started from now on; the result ends those that still run."""
    started: list[Any] = []
    patches = Patches()
    enqueuers = _enqueuers()
    start = enqueuers.start

    @functools.wraps(start)
    def noted(self: Any, *arguments: Any, **keywords: Any) -> None:
        started.append(self)
        start(self, *arguments, **keywords)

    patches.put(enqueuers, "start", noted)

    def end() -> None:
        patches.undo()
        for enqueuer in started:
            enqueuer.stop()

    return end


def _enqueuers() -> Any:
    if backends.name() == backends.LEGACY:
        from tf_keras.src.utils.data_utils import SequenceEnqueuer

        return SequenceEnqueuer
    from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetEnqueuer

    return PyDatasetEnqueuer
