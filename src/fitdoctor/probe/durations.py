"""Adds to a duration that is kept: how often, how long in all, and the course of it in a few hundred figures."""

from __future__ import annotations

from fitdoctor.recording.model import Duration

SAMPLES = 400
"""Most figures kept of each kind: each is one duration, or from so many on the mean of 2, 4, 8 … in succession. Constant in the number
of steps, and whatever comes at every so many steps is in it by its due."""


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
    while number < duration.count:
        apart = _apart(number)
        number += sample(duration, number, total_s / count, min(apart - number % apart, duration.count - number))


def sample(duration: Duration, number: int, seconds: float, alike: int = 1) -> int:
    """Adds the duration of this number, counted from 0, to the mean that it belongs to; and how many alike were added."""
    within = number % _apart(number)
    samples = duration.samples_s
    if within and samples:
        samples[-1] += (seconds - samples[-1]) * alike / (within + alike)
        return alike
    if len(samples) >= SAMPLES:
        samples[:] = [(one + other) / 2 for one, other in zip(samples[::2], samples[1::2], strict=True)]
    samples.append(seconds)
    return alike


def _apart(number: int) -> int:
    return 1 << (number // SAMPLES).bit_length()
