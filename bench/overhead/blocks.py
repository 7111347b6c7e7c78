"""Applies and removes something between blocks of steps within one `fit`, and compares the blocks."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

# After each switch, some steps are not timed: Python must specialise its calls again. As many as a block has, within
# these limits.
LEAST_LEAD, MOST_LEAD = 2, 8

# The share of pairs that is left out at either end. In those the machine did something else.
TRIMMED = 0.1


class Done(Exception):  # noqa: N818 - not an error
    """Raised out of `fit` when there are enough blocks."""


@dataclass(slots=True, kw_only=True)
class Side:
    """One of the two variants of the loop. `enter` applies it, `leave` removes it; neither is timed."""

    enter: Callable[[], None]
    leave: Callable[[], None]
    # Called when the timing of one of its blocks begins.
    began: Callable[[], None] = lambda: None


@dataclass(slots=True)
class Pair:
    """Two neighbouring blocks, in seconds a step. `marked`: the pair contains the call of `mark`."""

    plain_s: float
    other_s: float
    marked: bool = False


@dataclass(slots=True)
class Blocks:
    """Gets every step of the train function, and switches between the two sides.

    Args:
        other: The side that is compared with the plain loop.
        steps: The steps of a block.
        epoch_steps: The steps of an epoch. A pair lies within one epoch.
        seconds: The time to measure; longer if there are fewer than `fewest` pairs.
        settle: Waits until the train function's result is computed. It is called before each reading of the clock.
        mark: Called in one pair of `every`, during the block of the other side.
        every: See `mark`.
    """

    other: Side
    steps: int
    epoch_steps: int
    seconds: float
    settle: Callable[[Any], None]
    mark: Callable[[], None] | None = None
    every: int = 8
    fewest: int = 6
    pairs: list[Pair] = field(default_factory=list)
    swapping_s: list[float] = field(default_factory=list)
    _step: int = 0
    _plan: list[tuple[str, int]] = field(default_factory=list)
    _left: int = 0
    _began_s: float = 0.0
    _until_s: float = 0.0
    _found: dict[str, float] = field(default_factory=dict)
    _inside: bool = False

    @property
    def lead(self) -> int:
        """The number of untimed steps after each switch."""
        return max(LEAST_LEAD, min(MOST_LEAD, self.steps))

    def stepped(self, result: Any) -> None:
        """Counts a step that has returned."""
        self._step = (self._step + 1) % self.epoch_steps
        if not self._until_s:
            self._until_s = time.perf_counter() + self.seconds
        if self._plan:
            self._go_on(result)
        elif self.lead <= self._step < self.epoch_steps - 2 * (self.lead + self.steps):
            self._begin_pair(result)

    def _begin_pair(self, result: Any) -> None:
        late_s = time.perf_counter() - self._until_s
        if late_s > 0 and (len(self.pairs) >= self.fewest or late_s > 3 * self.seconds):
            self._swap("plain")
            raise Done
        for name in random.sample(["plain", "other"], 2):
            self._plan += [(f"to {name}", self.lead), (name, self.steps)]
        self._begin(result)

    def _begin(self, result: Any) -> None:
        name, self._left = self._plan[0]
        self.settle(result)
        if name.startswith("to "):
            self._swap(name.removeprefix("to "))
            return
        self._began_s = time.perf_counter()
        if name == "other":
            self.other.began()
            if self._marked():
                self.mark()  # type: ignore[misc]

    def _go_on(self, result: Any) -> None:
        self._left -= 1
        if self._left:
            return
        name, steps = self._plan.pop(0)
        if not name.startswith("to "):
            self.settle(result)
            self._found[name] = (time.perf_counter() - self._began_s) / steps
        if self._plan:
            self._begin(result)
            return
        self.pairs.append(Pair(self._found["plain"], self._found["other"], self._marked()))
        self._swap("other")  # the rest of the epoch is watched as usual

    def _marked(self) -> bool:
        return self.mark is not None and len(self.pairs) % self.every == self.every - 1

    def _swap(self, name: str) -> None:
        inside = name == "other"
        if inside == self._inside:
            return
        began_s = time.perf_counter()
        (self.other.enter if inside else self.other.leave)()
        self.swapping_s.append(time.perf_counter() - began_s)
        self._inside = inside


def ratio(pairs: Sequence[Pair]) -> dict[str, float]:
    """Returns how much longer the other side takes, as a share, with its 95 % interval.

    It is the trimmed mean of the log ratios, with Student's t (SciPy).
    """
    return _interval([math.log(pair.other_s / pair.plain_s) for pair in pairs], math.expm1)


def difference(pairs: Sequence[Pair], steps: int) -> dict[str, float]:
    """Returns how much longer the other side takes, in seconds a block."""
    return _interval([(pair.other_s - pair.plain_s) * steps for pair in pairs], float)


def _interval(values: Sequence[float], shown: Callable[[float], float]) -> dict[str, float]:
    from scipy.stats import mstats

    if len(values) < 3:
        raise ValueError(f"only {len(values)} pairs: give it more seconds")
    low, high = (float(end) for end in mstats.trimmed_mean_ci(values, limits=(TRIMMED, TRIMMED), alpha=0.05))
    middle = float(mstats.trimmed_mean(values, limits=(TRIMMED, TRIMMED)))
    return {"low": shown(low), "mid": shown(middle), "high": shown(high)}


def of_sums(pairs: Sequence[Pair], tries: int = 2000) -> dict[str, float]:
    """Returns the ratio of the summed seconds of both sides, with a bootstrap interval over pairs."""
    import numpy as np

    plain, other = np.array([pair.plain_s for pair in pairs]), np.array([pair.other_s for pair in pairs])
    chosen = np.random.default_rng(1).integers(0, len(pairs), (tries, len(pairs)))
    found = other[chosen].sum(axis=1) / plain[chosen].sum(axis=1) - 1
    low, high = np.quantile(found, [0.025, 0.975])
    return {"low": float(low), "mid": float(other.sum() / plain.sum() - 1), "high": float(high)}
