"""Has a fit's list of callbacks call Keras' own hooks of steps for a while, as if no seam stood there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import repeat
from operator import length_hint
from types import MethodType
from typing import Any

_second = dict[None, Any]().get
"""Gives the second of two arguments, the first of which is None, with no frame of Python's."""


class Aside:
    """Seams that step aside and come back, and the count of the batches that pass meanwhile.

    Between short steps even a seam that does next to nothing takes time that shows: what it touches is in no cache any
    more. So while nobody looks, the hooks are Keras' own, in the list itself and nowhere else, and the batches tell
    when enough steps have passed.

    Attributes:
        seams: By the name of a hook of steps, what stands on the class and Keras' own function.
        draws: How many more batches may be asked for before seams are to stand again.
        asked_s: When the first of those was asked for that `some` gave last.
    """

    __slots__ = ("_at_once", "_callbacks", "_counter", "_given", "asked_s", "draws", "seams")

    def __init__(self) -> None:
        self.seams: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}
        self.draws, self._given, self._at_once = 0, 0, 1
        self.asked_s = 0.0
        self._callbacks: Any = None
        self._counter = repeat(None, 0)

    @property
    def begun(self) -> bool:
        """Whether the hooks are Keras' own."""
        return self._callbacks is not None

    def begin(self, callbacks: Any, steps: int, at_once: int) -> None:
        """Steps aside for so many steps of so many batches each, where nobody else has changed the hooks of the list."""
        cls, own = type(callbacks), getattr(callbacks, "__dict__", {})
        free = all(getattr(cls, name, None) is seam and name not in own for name, (seam, _) in self.seams.items())
        if steps <= 0 or not self.seams or not free:
            return
        self.draws, self._given, self._at_once, self._counter = steps * at_once, 0, at_once, repeat(None, 0)
        self._callbacks = callbacks
        for name, (_, original) in self.seams.items():
            setattr(callbacks, name, MethodType(original, callbacks))

    def some(self, batches: Iterator[Any], most: int) -> Iterator[Any]:
        """The next batches, so many at most, each counted as it is asked for."""
        given = min(self.draws, most)
        self.draws -= given
        self._given += given
        self._counter = repeat(None, given)
        return map(_second, self._counter, batches)

    @property
    def all_came(self) -> bool:
        """Whether all that `some` gave last were asked for."""
        return not length_hint(self._counter)

    def end(self, *, last_ended: bool) -> int:
        """Has the seams stand again, and gives how many steps have ended meanwhile.

        Args:
            last_ended: Whether the batch that was asked for last came, and its step ended.
        """
        callbacks, self._callbacks = self._callbacks, None
        for name, (_, original) in self.seams.items():
            if getattr(vars(callbacks).get(name), "__func__", None) is original:
                delattr(callbacks, name)
        asked = self._given - length_hint(self._counter)
        return max(0, asked - (not last_ended)) // self._at_once
