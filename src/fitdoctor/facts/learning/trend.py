"""Whether a series of figures grows from its begin to its end, or only jumps, wobbles or settles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt
from statistics import median

# Fewer figures than this make no trend.
LEAST = 12
# Standard errors by which Kendall's rank statistic must differ from that of figures in random order: 1 in 1000 by
# chance.
CERTAIN = 3.1
# A jump, as when another program takes the machine, is one quarter's step; of steady growth each quarter has about a
# third.
MOST_AT_ONCE = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """The typical figure of the first quarter of a series and of the last."""

    first: float
    last: float

    @property
    def ratio(self) -> float:
        return self.last / self.first if self.first > 0 else 1.0


def growth(values: Sequence[float]) -> Growth | None:
    """How a series grows, or None where it does not do so steadily.

    Medians of quarters leave single hiccups out; Kendall's statistic (Mann 1945, Kendall 1975: the usual test for a
    trend of any shape) leaves wobbling out; that no quarter brings nearly all of it leaves jumps out.

    Example:
        >>> growth([1.0 + 0.1 * number for number in range(20)])
        Growth(first=1.2, last=2.7)
        >>> growth([1.0, 2.0] * 10) is None
        True
    """
    if len(values) < LEAST:
        return None
    quarters = [median(values[len(values) * at // 4 : len(values) * (at + 1) // 4]) for at in range(4)]
    steps = [after - before for before, after in pairwise(quarters)]
    whole = quarters[-1] - quarters[0]
    if whole <= 0 or min(steps) < 0 or max(steps) > MOST_AT_ONCE * whole or _kendall(values) < CERTAIN:
        return None
    return Growth(first=quarters[0], last=quarters[-1])


def _kendall(values: Sequence[float]) -> float:
    """The standardised number of pairs that grow beyond those that fall."""
    n = len(values)
    score = sum((values[j] > values[i]) - (values[j] < values[i]) for i in range(n) for j in range(i + 1, n))
    return score / sqrt(n * (n - 1) * (2 * n + 5) / 18)
