"""Compares the windows of two arms, and judges what the comparison proves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import exp, fsum, hypot, isfinite, log, sqrt
from typing import Literal

from fitdoctor.recording.model import Window
from fitdoctor.report.model import Interval

Verdict = Literal["measured", "refuted", "inconclusive"]

# Two-sided confidence of every interval that is shown.
CONFIDENCE = 0.95
# Rounds after which decisions are taken. They are fixed beforehand: each decision has a chance to be wrong.
DECISION_ROUNDS = (6, 15, 40)
# Identical arms differ systematically by 2–4 % (memory layout, order, caches), however many rounds there are. So a
# ratio counts from 5 % on.
FLOOR = 1.05
# The standard deviation of that difference, as a log ratio. The shown interval includes it: more rounds can't make it
# narrower. The proof of a gain uses the floor instead.
ARMS_DIFFER = 0.02
# Three identical arms: the difference of one from the mean of the other two, relative to that of two arms.
FROM_TWO = sqrt(3 / 4)
# After the first decision, an arm that is not even 3 % faster will not reach 5 %.
HARDLY_FASTER = 1.03
# Such an arm is refuted only if its interval excludes this ratio: a few noisy rounds can't distinguish 1.0 from 1.3.
OPEN = 1.20
# An arm this slow after two rounds, and slower in each of them, gets no third round.
HOPELESS = 0.8
HOPELESS_ROUNDS = 2
# A window that waited this share of its time for a core measured other processes.
QUEUE_SHARE = 0.30
# With fewer undisturbed rounds than this, all rounds are used.
MIN_ROUNDS = 4
# Limits every ratio, so that all figures are finite.
MOST_RATIO = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """How much faster an arm is than its reference, by rounds.

    `rounds` holds the log ratio of each round. Above 0 the arm is faster. `ratio` is None with fewer than two rounds.
    `contended` says that other processes used the cores, and that too few undisturbed rounds were left.
    """

    arm: str
    rounds: tuple[float, ...]
    ratio: Interval | None
    mean_log: float
    sd_log: float
    n: int
    contended: bool = False

    @property
    def mid(self) -> float:
        """The best estimate of the ratio; 1 if there is none."""
        return _ratio(self.mean_log)


def compare(
    windows: Iterable[Window], arm_id: str, reference_ids: Sequence[str], *, confidence: float = CONFIDENCE
) -> Comparison:
    """Pairs the windows of an arm with those of its reference, round by round.

    Args:
        windows: The windows of a whole rehearsal.
        arm_id: The arm.
        reference_ids: The arms that it is compared with, usually the baseline and the placebo. These two are identical:
            their difference makes the interval wider.
        confidence: The confidence of the interval.

    Example:
        >>> compare(rehearsal.windows, "step/prefetch", ["step/baseline", "step/placebo"]).ratio
        Interval(low=1.31, mid=1.35, high=1.39)
    """
    usable = [window for window in windows if window.units > 0 and window.seconds > 0 and isfinite(window.seconds)]
    involved = [window for window in usable if window.arm == arm_id or window.arm in reference_ids]
    counted = [window for window in involved if window.queue_s <= QUEUE_SHARE * window.seconds]
    contended = len(counted) < len(involved) and len(_log_ratios(counted, arm_id)) < MIN_ROUNDS
    if contended:
        counted = involved
    apart = max(ARMS_DIFFER, _references_differ(counted, reference_ids))
    return comparison_of(arm_id, _log_ratios(counted, arm_id), contended=contended, confidence=confidence, apart=apart)


def comparison_of(
    arm_id: str, logs: Sequence[float], *, contended: bool = False, confidence: float = CONFIDENCE, apart: float = 0.0
) -> Comparison:
    """Returns the comparison for given log ratios, one for each round.

    `apart` is the standard deviation of the systematic difference, which more rounds do not reduce.
    """
    mean = fsum(logs) / len(logs) if logs else 0.0
    sd = sqrt(fsum((value - mean) ** 2 for value in logs) / (len(logs) - 1)) if len(logs) > 1 else 0.0
    ratio = _interval(mean, sd, len(logs), confidence, apart) if len(logs) > 1 else None
    return Comparison(
        arm=arm_id, rounds=tuple(logs), ratio=ratio, mean_log=mean, sd_log=sd, n=len(logs), contended=contended
    )


def bounds(comparison: Comparison, confidence: float) -> Interval:
    """Returns the ratio with an interval of another confidence."""
    return _interval(comparison.mean_log, comparison.sd_log, max(2, comparison.n), confidence)


def judge(
    comparison: Comparison, placebo: Comparison | None, *, looks: int = len(DECISION_ROUNDS), remedies: int = 1
) -> tuple[Verdict, str]:
    """Judges whether the arm is proven to be faster, proven not to be, or neither.

    Args:
        comparison: The comparison of the arm.
        placebo: The comparison of the A/A arm of the same rehearsal. Smaller effects than its own can't be measured
            on this machine now.
        looks: The number of decisions.
        remedies: The number of arms that share the error probability.

    Returns:
        The verdict, and a sentence that says why.
    """
    if comparison.ratio is None:
        return "inconclusive", "Too few windows to tell."
    floor = max(FLOOR, exp(min(abs(placebo.mean_log), log(MOST_RATIO)))) if placebo is not None else FLOOR
    strict = _interval(
        comparison.mean_log, comparison.sd_log, comparison.n, 1 - (1 - CONFIDENCE) / max(1, looks * remedies)
    )
    ratio = comparison.ratio
    shown = f"{ratio.mid:.2f}× [{ratio.low:.2f}, {ratio.high:.2f}] over {comparison.n} rounds"
    crowd = ", while other processes used the cores" if comparison.contended else ""
    if strict.low > floor:
        return "measured", f"{shown}{crowd}, above {floor:.2f}×."
    if comparison.ratio.high < FLOOR:
        return "refuted", f"{shown}{crowd}: below {FLOOR:.2f}×."
    if comparison.n >= DECISION_ROUNDS[0] and comparison.mid < HARDLY_FASTER and comparison.ratio.high < OPEN:
        return "refuted", f"{shown}{crowd}: hardly faster."
    if floor > FLOOR and strict.low > FLOOR:
        return "inconclusive", f"{shown}{crowd}, but identical arms differed by as much."
    return "inconclusive", f"{shown}{crowd}: it may or may not be faster."


def shrunk(comparison: Comparison, share: float) -> Comparison:
    """Returns the comparison with a share of its effect, and an interval as wide as before."""
    ratio, less = comparison.ratio, (1 - share) * comparison.mean_log
    ends = [_ratio(log(end) - less) for end in (ratio.low, ratio.mid, ratio.high)] if ratio is not None else []
    return replace(
        comparison,
        rounds=tuple(value - less for value in comparison.rounds),
        ratio=Interval(low=ends[0], mid=ends[1], high=ends[2]) if ends else None,
        mean_log=share * comparison.mean_log,
        sd_log=comparison.sd_log,
    )


def hopeless(comparison: Comparison) -> bool:
    """Returns whether an arm is so much slower that it gets no more windows."""
    return comparison.n >= HOPELESS_ROUNDS and comparison.mid < HOPELESS and max(comparison.rounds) < 0


def _references_differ(windows: Sequence[Window], reference_ids: Sequence[str]) -> float:
    """Estimates the systematic error of an arm from the difference of baseline and placebo; 0 without a placebo."""
    if len(reference_ids) != 2:
        return 0.0
    logs = _log_ratios([window for window in windows if window.arm in reference_ids], reference_ids[1])
    return FROM_TWO * abs(_mean(logs)) if logs else 0.0


def _log_ratios(windows: Sequence[Window], arm_id: str) -> list[float]:
    arms: defaultdict[int, list[float]] = defaultdict(list)
    references: defaultdict[int, list[float]] = defaultdict(list)
    for window in windows:
        per_unit_s = window.seconds / window.units
        if per_unit_s > 0:
            (arms if window.arm == arm_id else references)[window.round].append(per_unit_s)
    bound = log(MOST_RATIO)
    paired = sorted(arms.keys() & references.keys())
    # Means of logs, not logs of means: else two noisy references would seem slower than one, though identical.
    logs = (_mean([*map(log, references[number])]) - _mean([*map(log, arms[number])]) for number in paired)
    return [min(bound, max(-bound, value)) for value in logs]


def _interval(mean: float, sd: float, n: int, confidence: float, apart: float = 0.0) -> Interval:
    # Quantiles of the normal and of Student's t distribution. `scipy.stats` takes a second to import.
    from scipy.special import ndtri, stdtrit

    level = 0.5 + confidence / 2
    reach = hypot(float(stdtrit(n - 1, level)) * sd / sqrt(n), float(ndtri(level)) * apart)
    return Interval(low=_ratio(mean - reach), mid=_ratio(mean), high=_ratio(mean + reach))


def _ratio(value: float) -> float:
    bound = log(MOST_RATIO)
    return exp(min(bound, max(-bound, value)))


def _mean(values: Sequence[float]) -> float:
    return fsum(values) / len(values)
