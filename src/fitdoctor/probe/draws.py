"""How long a batch was waited for, noted with little more than the two readings of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.rest import LONG_S, Rest

Note = Callable[[float, Any, float], Any]
"""Is told when a batch was asked for and when it came, and hands it on."""

NEVER_S = -1.0
"""What the clock never reads: at that, `iter` would end."""


def noted(rest: Rest, drew: Callable[[float], None]) -> Note:
    """Of short waits between two looks, only the sum is kept, in `rest`; of others, `drew` is told."""

    def note(asked_s: float, batch: Any, came_s: float) -> Any:
        seconds = came_s - asked_s
        if rest.of is not None and seconds < LONG_S:
            rest.drawn_s += seconds
        else:
            drew(seconds)
        return batch

    return note


class Draws(map):  # type: ignore[type-arg]
    """An iterator of batches that says how long each was waited for, and else is the one that it holds.

    It is a `map` over the clock, the batches and the clock again, so that no frame of ours stands between a batch and who asks for it.
    """

    __slots__ = ("_inner",)
    _inner: Any

    def __new__(cls, batches: Any, note: Note) -> Draws:
        inner, clock = iter(batches), iter(time.perf_counter, NEVER_S)
        draws = super().__new__(cls, note, clock, inner, clock)
        draws._inner = inner
        return draws

    def __getattr__(self, name: str) -> Any:
        if name in self.__slots__:  # of a copy that is not made yet
            raise AttributeError(name)
        return getattr(self._inner, name)
