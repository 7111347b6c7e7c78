"""Adds to a duration that is kept: how often, how long in all, and some of the times, spread evenly over all."""

from __future__ import annotations

from fitdoctor.recording.model import Duration

SAMPLES = 400
"""Most durations kept of each kind, spread evenly over all of them: enough for a mean, constant in the number of steps."""


def add(duration: Duration, seconds: float, *, first: bool | None = None) -> None:
    """Counts one more occurrence. The very first is kept apart from the samples, as it often builds or compiles something."""
    number = duration.count
    duration.count = number + 1
    duration.total_s += seconds
    if (number == 0) if first is None else first:
        duration.first_s = seconds
        return
    sample(duration, number - (first is None), seconds)


def add_alike(duration: Duration, count: int, total_s: float) -> None:
    """Counts so many more, of which only their sum is known. None of them is the very first."""
    number = duration.count
    duration.count = number + count
    duration.total_s += total_s
    while (number := next_sample(number)) < duration.count:
        sample(duration, number, total_s / count)
        number += 1


def sample(duration: Duration, number: int, seconds: float) -> None:
    """Keeps one of so many; half as many each time that the store is full."""
    if number % _apart(number) == 0:
        if len(duration.samples_s) >= SAMPLES:
            del duration.samples_s[1::2]
        duration.samples_s.append(seconds)


def _apart(number: int) -> int:
    return 1 << (number // SAMPLES).bit_length()


def next_sample(count: int) -> int:
    """The number, counted from 0, of the next one that is kept, where there were `count` before."""
    return -(-count // _apart(count)) * _apart(count)
