"""Divides the wall time of the main thread into parts that sum to it by construction."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fitdoctor.probe.support.originals import time


class Ledger:
    """A stack of parts. Every second belongs to the part on top, so none is counted twice or lost.

    Args:
        part: The part that time belongs to before anything was pushed.
        started_s: The clock's reading at which the account begins.
        clock: Seconds; tests pass a fake one.

    Example:
        >>> ledger = Ledger("start", started_s=time.monotonic())
        >>> with ledger.within("fit"):
        ...     pass
        >>> sum(ledger.read().values())  # the wall time since `started_s`
    """

    def __init__(self, part: str, *, started_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stack = [part]
        self._since_s = started_s
        self._parts: dict[str, float] = {}

    def _charge(self) -> None:
        now_s = self._clock()
        part = self._stack[-1]
        self._parts[part] = self._parts.get(part, 0.0) + now_s - self._since_s
        self._since_s = now_s

    def push(self, part: str) -> None:
        """Charges `part` from now on."""
        self._charge()
        self._stack.append(part)

    def pop(self) -> None:
        """Charges the part below again."""
        self._charge()
        self._stack.pop()

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        """Charges `part` during a block, also if that raises."""
        self.push(part)
        try:
            yield
        finally:
            self.pop()

    def rebase(self, part: str) -> None:
        """Renames the lowest part of the stack, e.g. from "start" to "script" after the first unit."""
        self._charge()
        self._stack[0] = part

    def peek(self) -> dict[str, float]:
        """Returns what `read` does, for another thread: it may be a moment old, and changes nothing."""
        parts, part = dict(self._parts), self._stack[-1]
        parts[part] = parts.get(part, 0.0) + max(0.0, self._clock() - self._since_s)
        return parts

    def read(self) -> dict[str, float]:
        """Returns the parts up to now, in seconds."""
        self._charge()
        return dict(self._parts)
