"""Adds to a duration that is kept: how often, how long in all, and the course of it in a few hundred figures."""

from __future__ import annotations

from fitdoctor.recording.model import Duration

SAMPLES = 400
"""Most figures kept of each kind: each is one duration, or from so many on the mean of 2, 4, 8 … in succession.
Constant in the number of steps, and whatever comes at every so many steps is in it by its due."""


def add(duration: Duration, seconds: float, *, first: bool | None = None) -> None:
    """Counts one more occurrence.

    The very first is kept apart from the samples, as it often builds or compiles something.
    """
    number = duration.count
    duration.count = number + 1
    duration.total_s += seconds
    if (number == 0) if first is None else first:
        duration.first_s = seconds
        return
    sample(duration, seconds, before(number - (first is None)))


def lengthen(duration: Duration, seconds: float) -> None:
    """The latest occurrence took so much longer than was known when it was counted."""
    duration.total_s += seconds
    if duration.count == 1:
        duration.first_s += seconds
    elif duration.samples_s:
        duration.samples_s[-1] += seconds / (before(duration.count - 2) + 1)


def add_alike(duration: Duration, count: int, total_s: float) -> None:
    """Counts so many more, of which only their sum is known. None of them is the very first."""
    number = duration.count
    duration.count = number + count
    duration.total_s += total_s
    while number < duration.count:
        ahead = before(number)
        alike = min(_apart(number) - ahead, duration.count - number)
        sample(duration, total_s / count, ahead, alike)
        number += alike


def before(number: int) -> int:
    """How many durations are ahead of this one, counted from 0, in the mean that it belongs to."""
    return number % _apart(number)


def sample(duration: Duration, seconds: float, ahead: int, alike: int = 1) -> None:
    """Adds a duration, or several that are alike, to the mean that so many are in already, or begins the next one."""
    samples = duration.samples_s
    if ahead and samples:
        samples[-1] += (seconds - samples[-1]) * alike / (ahead + alike)
        return
    if len(samples) >= SAMPLES:
        samples[:] = [(one + other) / 2 for one, other in zip(samples[::2], samples[1::2], strict=True)]
    samples.append(seconds)


def _apart(number: int) -> int:
    return 1 << (number // SAMPLES).bit_length()
