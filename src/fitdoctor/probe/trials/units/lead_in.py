"""The untimed steps before a window. They use up what a pipeline made ready while other arms were timed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from fitdoctor.probe.support.originals import time

# A shorter lead costs next to nothing.
LONG_LEAD_S = 0.4
# Input that takes at most this share of a step can't delay it, even on the same cores. Its buffer may stay full.
QUICK = 0.25
# Batches that are timed once the buffer is empty.
DRAWS = 2


def lead_of(
    iterator: Iterator[Any], *, held: int, unit_s: float, clock: Callable[[], float] = time.perf_counter
) -> int:
    """How many steps to take before a window is timed.

    With steps of a second, a few such steps would be most of a trial. So where a step takes long, a few batches are
    drawn without training on them. Input that is so quick that steps never wait for it needs no lead.

    Args:
        iterator: The arm's own.
        held: Batches that its pipeline may hold ready.
        unit_s: Seconds of a step.
        clock: Seconds.

    Returns:
        One more than are held, or 0 where no lead is needed.
    """
    if (held + 1) * unit_s <= LONG_LEAD_S:
        return held + 1
    most_s, began_s = QUICK * unit_s, clock()
    for number in range(held + DRAWS):
        drawn_s = clock()
        next(iterator)
        now_s = clock()
        if number >= held and now_s - drawn_s > most_s or now_s - began_s > (number + 1) * most_s + LONG_LEAD_S:
            return held + 1
    return 0
