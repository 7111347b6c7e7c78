"""Causes, their remedies, and the trials of the remedies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitdoctor.report.results.basic import Evidence, Interval, Location, Safety


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """The same remedy with another setting, which its trial found no better."""

    label: str
    verdict: Literal["measured", "refuted", "inconclusive", "failed"]
    unit_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeToTarget:
    """The result of races between the training with a remedy and without it, to the same validation loss."""

    # In how many of how many races the remedy reached the target.
    reached: tuple[int, int]
    # How many times sooner the remedy reached the target: a 95 % interval with its best estimate.
    low: float
    mid: float
    high: float
    # The metric that was compared, and the value of it that the training without the remedy reaches.
    metric: str
    target: float | None
    # The share of the whole training that was raced.
    covered: float
    # Whether the target is better than what the training without the remedy reached. Then `low`, `mid` and `high` are
    # lower bounds.
    beyond: bool = False
    # The bounds of the share of races that reach the target (95 %, Clopper and Pearson).
    reached_low: float = 0.0
    reached_high: float = 1.0
    # What differed between the races.
    varied: str = ""
    # Whether the times are those until the script's own stopping rule ended the training, at a level that was no worse.
    by_rule: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyResult:
    """A remedy of a cause, and the result of its trial."""

    id: str
    title: str
    # The declared safety: an upper bound of what the remedy does to the numbers.
    safety: Safety
    status: Literal["measured", "refuted", "inconclusive", "untried"]
    # The safety that the trial found, where it compared the numbers.
    verified_safety: Safety | None = None
    # How many times as fast the whole projected training is.
    speedup: Interval | None = None
    # The unit that was timed: a step, an epoch end, a call.
    unit: str = ""
    # How many times as fast the unit is.
    unit_ratio: Interval | None = None
    # What the remedy costs once.
    one_off_s: float = 0.0
    # The number of units after which the remedy has saved what it costs once.
    breaks_even_at: int | None = None
    # A sentence on the quality of the training.
    quality: str = ""
    # Why the status is what it is.
    why: str = ""
    # What to write in the source, in one line.
    how: str = ""
    # A sentence on what the trial covers, where that is less than the whole.
    note: str = ""
    time_to_target: TimeToTarget | None = None
    variants: tuple[Variant, ...] = ()

    def __repr__(self) -> str:
        """One line: the remedy, its result, and what to write."""
        gain = f" {self.speedup.mid:.2f}× as fast" if self.speedup else ""
        return f"<{self.id}: {self.status}{gain}{f', {self.how}' if self.how else ''}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseResult:
    """A reason for slowness that was found, with its cost, its evidence and its remedies."""

    id: str
    family: str
    title: str
    # Whether the cost is proven, or estimated, or the cause only explains where the time goes.
    status: Literal["measured", "estimated", "informative"]
    # Seconds of the whole training.
    cost_s: Interval
    # The share of the whole training.
    share: float
    # The place of the cause first.
    locations: tuple[Location, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[RemedyResult, ...] = ()

    def __repr__(self) -> str:
        """One line: the cause, its place, and its cost."""
        place = f" at {self.locations[0].file}:{self.locations[0].line}" if self.locations else ""
        return f"<{self.id}{place}: {self.cost_s.mid:.4g} s, {self.share:.0%} of the training, {self.status}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One arm of one rehearsal, refuted ones and A/A tests included."""

    remedy: str
    cause: str
    # A "placebo" is an A/A test: the same code, timed as if it were a remedy.
    role: Literal["placebo", "ceiling", "remedy", "prescription"]
    unit: str
    windows: int
    # How many times as fast the unit is.
    unit_ratio: float | None
    interval: Interval | None
    verdict: Literal["measured", "refuted", "inconclusive", "failed", "reference"]
    why: str
