"""Adds to a duration of a record: how often, how long in all, and its course in a few hundred samples."""

from __future__ import annotations

from fitdoctor.recording.model import Duration

# Most samples of each kind. At first a sample is one duration, later the mean of 2, 4, 8 … in succession. So the memory
# is constant in the number of steps, and what happens every so many steps has its due weight.
SAMPLES = 400


def add(duration: Duration, seconds: float, *, first: bool | None = None) -> None:
    """Counts one more occurrence.

    The very first is no sample but is stored on its own, as it often builds or compiles something.
    """
    number = duration.count
    duration.count = number + 1
    duration.total_s += seconds
    if (number == 0) if first is None else first:
        duration.first_s = seconds
        return
    add_sample(duration, seconds, position_in_mean(number - (first is None)))


def lengthen(duration: Duration, seconds: float) -> None:
    """Makes the latest occurrence longer, when more of its time becomes known after it was counted."""
    duration.total_s += seconds
    if duration.count == 1:
        duration.first_s += seconds
    elif duration.samples_s:
        duration.samples_s[-1] += seconds / (position_in_mean(duration.count - 2) + 1)


def add_many(duration: Duration, count: int, total_s: float) -> None:
    """Counts several occurrences of which only the sum is known. None of them is the very first."""
    number = duration.count
    duration.count = number + count
    duration.total_s += total_s
    while number < duration.count:
        position = position_in_mean(number)
        in_this_mean = min(_mean_size(number) - position, duration.count - number)
        add_sample(duration, total_s / count, position, in_this_mean)
        number += in_this_mean


def position_in_mean(number: int) -> int:
    """How many durations precede a duration in the mean that it belongs to. Its number is counted from 0."""
    return number % _mean_size(number)


def add_sample(duration: Duration, seconds: float, position: int, count: int = 1) -> None:
    """Adds equal durations to the latest mean, which holds `position` durations so far. At 0 it begins a new one."""
    samples = duration.samples_s
    if position and samples:
        samples[-1] += (seconds - samples[-1]) * count / (position + count)
        return
    if len(samples) >= SAMPLES:
        samples[:] = [(one + other) / 2 for one, other in zip(samples[::2], samples[1::2], strict=True)]
    samples.append(seconds)


def _mean_size(number: int) -> int:
    return 1 << (number // SAMPLES).bit_length()
