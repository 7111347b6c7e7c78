"""What the rows of a call on a tiny batch cost when more of them go through at once: the ceiling of larger pieces."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention

ROWS = 32
"""An ordinary batch: what Keras takes when nothing is said."""
CALLS = 4


def timed(original: Any, model: Any, bound: dict[str, Any]) -> tuple[float, int, float]:
    """Makes a few calls on the call's own rows, repeated to an ordinary batch.

    Returns:
        The seconds, how many calls of the script's own that stands for, and the seconds of waiting for a core.
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
