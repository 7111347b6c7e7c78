"""Unit costs from recorded durations."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, median_low, stdev

from fitdoctor.recording.model import Duration
from fitdoctor.report.model import Interval

# From this many samples on, only the later half counts. The first steps of a run are slower because of caches,
# allocators and autotuning.
SETTLED_SAMPLES = 10
# Two standard errors: about a 95 % interval. Claims come from trials, so this need not be exact.
STANDARD_ERRORS = 2.0


def unit_s(duration: Duration, period: int = 0) -> float:
    """The cost of one unit after the warm-up.

    Args:
        duration: The duration of all recorded units.
        period: The number of units after which they repeat, as the steps of an epoch do. Steps at its end, when a
            shuffle's buffer runs empty, cost less than steps at its begin. If a whole period was recorded, only whole
            periods count. 0 if there is none.

    Example:
        >>> unit_s(Duration(count=3, total_s=6.0, first_s=4.0, samples_s=[1.0, 1.0]))
        1.0
    """
    samples = _settled(duration, period)
    if samples:
        return max(0.0, fmean(samples))
    if duration.count > 0:
        return max(0.0, duration.total_s / duration.count)
    return max(0.0, duration.first_s)


def typical_s(duration: Duration) -> float:
    """The median cost of a unit, its first included. One hiccup does not change it.

    Example:
        >>> typical_s(Duration(count=2, total_s=4.1, first_s=0.1, samples_s=[4.0]))
        0.1
    """
    known = [duration.first_s] * (duration.first_s > 0) + duration.samples_s
    return max(0.0, median_low(known)) if known else unit_s(duration)


def warm_up_s(duration: Duration, period: int = 0) -> float:
    """The extra time of all units while the process warms up. A cheaper unit does not save it."""
    others = duration.count - (duration.first_s > 0)
    return max(0.0, duration.total_s - duration.first_s - unit_s(duration, period) * others)


def first_extra_s(duration: Duration) -> float:
    """The extra time of the first unit, which traces, opens files and fills caches. It is paid once."""
    return max(0.0, duration.first_s - unit_s(duration))


def unit_interval(duration: Duration, period: int = 0) -> Interval:
    """The unit's cost with the uncertainty of the mean of its samples."""
    mid = unit_s(duration, period)
    samples = _settled(duration, period)
    if len(samples) < 2:
        return Interval(low=mid, mid=mid, high=mid)
    spread = STANDARD_ERRORS * stdev(samples) / sqrt(len(samples))
    return Interval(low=max(0.0, mid - spread), mid=mid, high=mid + spread)


def times(interval: Interval, count: float) -> Interval:
    """The interval of `count` units, from the interval of one."""
    return Interval(low=interval.low * count, mid=interval.mid * count, high=interval.high * count)


def capped(interval: Interval, most: float) -> Interval:
    """An interval whose ends are at most `most`.

    Example:
        >>> capped(Interval(low=1.0, mid=2.0, high=9.0), 5.0).high
        5.0
    """
    return Interval(low=min(interval.low, most), mid=min(interval.mid, most), high=min(interval.high, most))


def total(intervals: list[Interval]) -> Interval:
    """The sum of intervals, as if all errors had the same sign: wide rather than wrong."""
    return Interval(
        low=sum(interval.low for interval in intervals),
        mid=sum(interval.mid for interval in intervals),
        high=sum(interval.high for interval in intervals),
    )


def _settled(duration: Duration, period: int = 0) -> list[float]:
    samples = duration.samples_s
    if len(samples) < SETTLED_SAMPLES:
        return samples
    half = len(samples) - len(samples) // 2
    each = period * len(samples) / max(1, duration.count)  # samples of one period
    if 0 < each <= len(samples):
        return samples[-max(1, round(each * max(1, int(half / each)))) :]
    return samples[-half:]
