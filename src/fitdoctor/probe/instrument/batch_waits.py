"""How long a batch was waited for, noted with little more than the two readings of the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.step_sampling import LONG_S, Rest

AT_ONCE, AT_ONCE_S = 32, 0.006
"""Batches that pass without asking whether steps are still not looked at, and how long they take at most, as far as is
known.
"""
NEVER_S = -1.0
"""What the clock never reads: at that, `iter` would end."""


class Draws(chain):  # type: ignore[type-arg]
    """An iterator of batches that says how long each was waited for, and else is the one that it holds.

    It is a chain of stretches of that one, so that no frame of ours stands between a batch and who asks for it: while
    steps are looked at, a stretch is one batch between two readings of the clock, and while none is, it may be many
    batches as they come (`Rest.passing`).
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
            if rest.aside.begun:
                yield from _aside(inner, rest)
            else:
                at_once = min(rest.passing, AT_ONCE)
                rest.passing -= at_once
                yield islice(inner, at_once)


def _aside(inner: Iterator[Any], rest: Rest) -> Iterator[Iterator[Any]]:
    """What passes with no seam in the way of the steps, until that is enough, or some took so long that one of them may
    have been long.
    """
    clock, aside = time.perf_counter, rest.aside
    most = AT_ONCE if rest.usual_s * AT_ONCE <= AT_ONCE_S else max(1, int(AT_ONCE_S / rest.usual_s))
    aside.asked_s = clock()
    while aside.begun and aside.draws:
        at_once = min(aside.draws, most)
        rest.passing -= at_once
        some = guard.guarded(aside.some, inner, most)
        if some is None:
            break
        yield some
        before_s, aside.asked_s = aside.asked_s, clock()
        if not aside.all_came or aside.asked_s - before_s >= at_once * rest.usual_s + LONG_S:
            break
    guard.guarded(lambda: rest.come_back(last_ended=aside.all_came))
    if aside.begun:  # that failed, which is said: what comes now is timed
        rest.passing = 0
