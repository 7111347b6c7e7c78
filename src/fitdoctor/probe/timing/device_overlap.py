"""Records which steps the device computes while the loop reads and sends the next ones.

On an asynchronous backend a call of the train function returns before its step is computed. Keras waits for each step
on a thread of its own, to have its logs as numbers. The probe observes there that a step is done, and so adds no wait.
"""

from __future__ import annotations

from collections.abc import Iterator

# Number of calls that are stored. No backend lets as many wait for its device.
SLOTS = 256


class Overlap:
    """Follows the calls of one epoch, counted from 0.

    The loop's thread reports what it sends, any thread reports what is done. One thread at a time writes a slot,
    and the loop's thread reads it. So no lock is needed, which a fork could leave locked.

    Attributes:
        observed: Whether any step of this fit was observed to be done. Else nothing is known about overlaps.

    Example:
        >>> overlap = Overlap()
        >>> overlap.drawing(0, 0.0), overlap.sent(0, 1.0), overlap.done(0, 4.0)
        >>> overlap.idle_s(1, 1.0, 6.0)
        2.0
    """

    def __init__(self) -> None:
        self.observed = False
        self._drawn_s = [0.0] * SLOTS
        self._sent_s = [0.0] * SLOTS
        self._done_s = [-1.0] * SLOTS
        self._next = 0
        self._before_s = 0.0

    def epoch_begins(self) -> None:
        """Counts the calls from 0 again. All that were sent are done by now."""
        self._next, self._before_s = 0, 0.0

    def begins_at(self, number: int) -> None:
        """Follows all calls from this one on, and forgets those before it."""
        if number > self._next:
            self._next, self._before_s = number, 0.0

    def drawing(self, number: int, now_s: float) -> None:
        """A call begins to read its batch."""
        self._drawn_s[number % SLOTS] = now_s

    def sent(self, number: int, now_s: float) -> None:
        """A call has returned: its step waits for the device, or is computed."""
        self._sent_s[number % SLOTS] = now_s

    def done(self, number: int, now_s: float) -> None:
        """A step was computed."""
        self._done_s[number % SLOTS] = now_s
        self.observed = True

    def done_at(self, number: int) -> float | None:
        """Returns when a step was computed, or None if that is unknown or it is not done."""
        done_s = self._done_s[number % SLOTS]
        return done_s if number >= 0 and done_s >= self._drawn_s[number % SLOTS] else None

    def idle_s(self, number: int, began_s: float, ended_s: float) -> float:
        """Seconds of a stretch before a call is sent in which the device was idle: all earlier calls were done."""
        if number == 0:
            return ended_s - began_s
        before_s = self.done_at(number - 1)
        return 0.0 if before_s is None else max(0.0, ended_s - max(began_s, before_s))

    def computed(self, sent: int) -> Iterator[tuple[int, float]]:
        """Yields the number and the device's seconds of each step that is newly done, in their order.

        Args:
            sent: Number of calls that were sent so far.
        """
        if sent - self._next >= SLOTS:  # their slots are overwritten by now
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
