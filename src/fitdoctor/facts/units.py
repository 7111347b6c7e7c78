"""Unit costs from recorded durations."""

from __future__ import annotations

from math import sqrt
from statistics import fmean, median_low, stdev

from fitdoctor.recording.model import Duration
from fitdoctor.report.model import Interval

#: From this many samples on, only the later half counts: the first steps of a run are slower (caches, allocators,
#: autotuning).
SETTLED_SAMPLES = 10
#: Two standard errors: about a 95 % interval. Exactness is not needed where no claim rests on it; those come from
#: trials.
STANDARD_ERRORS = 2.0


def unit_s(duration: Duration, period: int = 0) -> float:
    """What one unit costs once things have settled.

    Args:
        duration: Of all units that were seen.
        period: After so many units they begin anew, as the steps of an epoch do: those of its end, where a shuffle's
            buffer runs empty, cost otherwise than those of its beginning. Whole periods are counted where one was seen;
            0 where there is none.

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
    """The median of a unit that costs the same each time, the first one included: one hiccup among few does not move
    it.

    Example:
        >>> typical_s(Duration(count=2, total_s=4.1, first_s=0.1, samples_s=[4.0]))
        0.1
    """
    known = [duration.first_s] * (duration.first_s > 0) + duration.samples_s
    return max(0.0, median_low(known)) if known else unit_s(duration)


def warm_up_s(duration: Duration, period: int = 0) -> float:
    """What all units together took beyond settled ones:

    a process that is still cold. A cheaper unit does not take that away.
    """
    others = duration.count - (duration.first_s > 0)
    return max(0.0, duration.total_s - duration.first_s - unit_s(duration, period) * others)


def first_extra_s(duration: Duration) -> float:
    """What the first unit cost beyond a settled one: it traces, opens files, fills caches. Paid once."""
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
    """An interval of unit costs as one of `count` units."""
    return Interval(low=interval.low * count, mid=interval.mid * count, high=interval.high * count)


def capped(interval: Interval, most: float) -> Interval:
    """An interval of seconds none of which is more than there are.

    Example:
        >>> capped(Interval(low=1.0, mid=2.0, high=9.0), 5.0).high
        5.0
    """
    return Interval(low=min(interval.low, most), mid=min(interval.mid, most), high=min(interval.high, most))


def total(intervals: list[Interval]) -> Interval:
    """The sum of intervals, as if their errors went the same way: wide rather than wrong."""
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
    each = (
        period * len(samples) / max(1, duration.count)
    )  # of so many units one is kept, and a period has so many of those
    if 0 < each <= len(samples):
        return samples[-max(1, round(each * max(1, int(half / each)))) :]
    return samples[-half:]
