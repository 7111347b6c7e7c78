"""The ceiling of calls on tiny batches: what their rows cost in larger batches."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention

# Keras' default batch.
ROWS = 32
CALLS = 4


def timed(original: Any, model: Any, bound: dict[str, Any]) -> tuple[float, int, float]:
    """Makes a few calls on the call's own rows, repeated to a batch of the default size.

    Returns:
        The seconds, how many of the script's own calls they stand for, and the seconds of waiting for a core.
    """
    factor = max(1, ROWS // max(1, kinds.rows(bound["x"]) or 1))
    larger = {
        name: _repeated(value, factor) if name in ("x", "y", "sample_weight") else value
        for name, value in bound.items()
    }
    waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
    for _ in range(CALLS):
        original(model, **larger)
    return time.perf_counter() - began_s, CALLS * factor, cpu_contention.queue_s() - waited_s


def _repeated(data: Any, factor: int) -> Any:
    import numpy as np

    return (
        None
        if data is None
        else backends.tree().map_structure(lambda leaf: np.repeat(np.asarray(leaf), factor, axis=0), data)
    )
