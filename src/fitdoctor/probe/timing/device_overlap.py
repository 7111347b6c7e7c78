"""What goes on at the same time: steps that are computed while the loop draws and sends the next ones.

On an asynchronous backend a call of the train function returns before its step is computed. Keras waits for each step
on a thread of its own, to have its logs as numbers; that is where it is seen that a step is done, without a wait that
was not there before.
"""

from __future__ import annotations

from collections.abc import Iterator

SLOTS = 256
"""Calls that are remembered: more than any backend lets wait for its device."""


class Overlap:
    """Follows the calls of one epoch, counted from 0: the loop's thread says what it sends, any thread says what is
    done.

    Every slot is written by one thread at a time and read by the loop's, so nothing here needs a lock, which a fork
    could leave held.

    Example:
        >>> overlap = Overlap()
        >>> overlap.drawing(0, 0.0), overlap.sent(0, 1.0), overlap.done(0, 4.0)
        >>> overlap.idle_s(1, 1.0, 6.0)
        2.0
    """

    def __init__(self) -> None:
        self.told = False
        """Whether anything was seen to be done in this fit: else nothing is known about what overlaps."""
        self._drawn_s = [0.0] * SLOTS
        self._sent_s = [0.0] * SLOTS
        self._done_s = [-1.0] * SLOTS
        self._next = 0
        self._before_s = 0.0

    def epoch_begins(self) -> None:
        """Calls are counted anew. All that were sent are done by now."""
        self._next, self._before_s = 0, 0.0

    def begins_at(self, number: int) -> None:
        """From this call on all is followed again; of those before it nothing more is told."""
        if number > self._next:
            self._next, self._before_s = number, 0.0

    def drawing(self, number: int, now_s: float) -> None:
        """A call begins to draw its batch."""
        self._drawn_s[number % SLOTS] = now_s

    def sent(self, number: int, now_s: float) -> None:
        """A call has returned: its step waits for the device, or is computed."""
        self._sent_s[number % SLOTS] = now_s

    def done(self, number: int, now_s: float) -> None:
        """A step was computed."""
        self._done_s[number % SLOTS] = now_s
        self.told = True

    def done_at(self, number: int) -> float | None:
        """When a step was computed; None where that is not known, or it still is."""
        done_s = self._done_s[number % SLOTS]
        return done_s if number >= 0 and done_s >= self._drawn_s[number % SLOTS] else None

    def idle_s(self, number: int, began_s: float, ended_s: float) -> float:
        """The part of a stretch before a call is sent in which all earlier ones were done:

        nothing was computed then.
        """
        if number == 0:
            return ended_s - began_s
        before_s = self.done_at(number - 1)
        return 0.0 if before_s is None else max(0.0, ended_s - max(began_s, before_s))

    def computed(self, sent: int) -> Iterator[tuple[int, float]]:
        """The seconds that the device had each step, once for each that is done, in their order; `sent` calls are sent
        by now.
        """
        if sent - self._next >= SLOTS:  # their slots are taken by now
            self._next, self._before_s = sent - SLOTS // 2, 0.0
        while self._next < sent:
            done_s = self.done_at(self._next)
            if done_s is None:
                return
            began_s = max(self._sent_s[self._next % SLOTS], self._before_s)
            if self._before_s or not self._next:
                yield self._next, max(0.0, done_s - began_s)
            self._before_s = done_s
            self._next += 1
