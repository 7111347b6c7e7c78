"""How long a batch was waited for, noted with little more than the two readings of the clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from fitdoctor.probe.rest import LONG_S, Rest

AT_ONCE = 32
"""Batches that pass without asking whether steps are still not looked at."""
NEVER_S = -1.0
"""What the clock never reads: at that, `iter` would end."""


class Draws(chain):  # type: ignore[type-arg]
    """An iterator of batches that says how long each was waited for, and else is the one that it holds.

    It is a chain of stretches of that one, so that no frame of ours stands between a batch and who asks for it: while steps are looked at,
    a stretch is one batch between two readings of the clock, and while none is, it may be many batches as they come (`Rest.passing`).
    """

    __slots__ = ("_inner",)
    _inner: Any

    def __new__(cls, batches: Any, rest: Rest, drew: Callable[[float], None]) -> Draws:
        inner = iter(batches)
        draws: Draws = cls.from_iterable(_stretches(inner, rest, drew))  # type: ignore[assignment]
        draws._inner = inner
        return draws

    def __getattr__(self, name: str) -> Any:
        if name in self.__slots__:  # of a copy that is not made yet
            raise AttributeError(name)
        return getattr(self._inner, name)


def _stretches(inner: Iterator[Any], rest: Rest, drew: Callable[[float], None]) -> Iterator[Iterator[Any]]:
    clock, came = iter(time.perf_counter, NEVER_S), 0
    inner = chain(inner)  # which is asked no more once it has ended: some would wait for ever then

    def note(asked_s: float, batch: Any, came_s: float) -> Any:
        nonlocal came
        came += 1
        seconds = came_s - asked_s
        if rest.of is not None and seconds < LONG_S:
            rest.drawn_s += seconds
        else:
            drew(seconds)
        return batch

    timed = map(note, clock, inner, clock)
    while True:
        before = came
        yield islice(timed, 1)
        if came == before:
            return
        while rest.passing and rest.of is not None:
            at_once = min(rest.passing, AT_ONCE)
            rest.passing -= at_once
            yield islice(inner, at_once)
