"""Keeps readings in constant memory: neighbouring stretches are joined when there are too many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from fitdoctor.recording.model.system import Level, Series
from fitdoctor.system.source import Reading

# The most stretches. Each is about a 240th to a 120th of the whole, and a recording grows by some hundred kilobytes.
MOST = 240
DIGITS = 6

T = TypeVar("T")


class Stretches:
    """The lengths of the stretches, and the series of one or several owners over them.

    Args:
        most: How many stretches are kept; an even number.

    Example:
        >>> stretches = Stretches()
        >>> stretches.add(0.25, {"": Reading(counters={"process_cpu_s": 1.0})})
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._least_s = 0.0
        self.lengths_s: list[float] = []
        self.series: dict[str, Series] = {}
        self._before: dict[tuple[str, str], float] = {}

    def begin(self, readings: Mapping[str, Reading]) -> None:
        """Sets the first values of the counters."""
        self._added(readings)

    def add(self, seconds: float, readings: Mapping[str, Reading]) -> None:
        """Adds a stretch of so many seconds with the readings at its end."""
        added = self._added(readings)
        at = len(self.lengths_s)
        self.lengths_s.append(round(seconds, DIGITS))
        for owner, reading in readings.items():
            series = self.series.setdefault(owner, Series())
            for name in reading.counters:
                _put(series.counters.setdefault(name, []), at, added[owner, name])
            for name, value in reading.levels.items():
                level = series.levels.setdefault(name, Level())
                for values in (level.mean, level.least, level.most):
                    _put(values, at, round(value, DIGITS))
        self._pad()
        if at and self.lengths_s[-2] < self._least_s:
            self._join(at - 1)
        elif len(self.lengths_s) >= self._most:
            self._join(0)
            self._least_s = sum(self.lengths_s) / len(self.lengths_s)

    def _added(self, readings: Mapping[str, Reading]) -> dict[tuple[str, str], float | None]:
        """The growth of each counter since its last reading. Zero if it went backwards."""
        found: dict[tuple[str, str], float | None] = {}
        for owner, reading in readings.items():
            for name, value in reading.counters.items():
                before = self._before.get((owner, name))
                found[owner, name] = None if before is None else round(max(0.0, value - before), DIGITS)
                self._before[owner, name] = value
        return found

    def _pad(self) -> None:
        """Makes all series equally long, with None for missing values."""
        for series in self.series.values():
            for values in series.counters.values():
                _fill(values, len(self.lengths_s))
            for level in series.levels.values():
                for values in (level.mean, level.least, level.most):
                    _fill(values, len(self.lengths_s))

    def _join(self, begin: int) -> None:
        """Joins each two stretches from an index on."""
        lengths_s = self.lengths_s[begin:]
        for series in self.series.values():
            for values in series.counters.values():
                values[begin:] = [_sum(*pair) for pair in _pairs(values[begin:])]
            for level in series.levels.values():
                level.mean[begin:] = [
                    _mean(*pair, *lengths)
                    for pair, lengths in zip(_pairs(level.mean[begin:]), _pairs(lengths_s), strict=True)
                ]
                level.least[begin:] = [min(_known(pair), default=None) for pair in _pairs(level.least[begin:])]
                level.most[begin:] = [max(_known(pair), default=None) for pair in _pairs(level.most[begin:])]
        self.lengths_s[begin:] = [round(first + second, DIGITS) for first, second in _pairs(lengths_s)]


def _put(values: list[float | None], at: int, value: float | None) -> None:
    _fill(values, at)
    values.append(value)


def _fill(values: list[float | None], length: int) -> None:
    values.extend([None] * (length - len(values)))


def _pairs(values: list[T]) -> list[tuple[T, T]]:
    return list(zip(values[::2], values[1::2], strict=True))


def _known(values: tuple[float | None, ...]) -> list[float]:
    return [value for value in values if value is not None]


def _sum(first: float | None, second: float | None) -> float | None:
    known = _known((first, second))
    return round(sum(known), DIGITS) if known else None


def _mean(first: float | None, second: float | None, first_s: float, second_s: float) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    whole_s = first_s + second_s
    return round((first * first_s + second * second_s) / whole_s if whole_s > 0 else (first + second) / 2, DIGITS)
