"""The results of a race, beside the speed-up of the whole run."""

from __future__ import annotations

from math import inf

from fitdoctor.facts.facts import WORTHWHILE_SHARE
from fitdoctor.report.model import Interval, TimeToTarget
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.wording import percent

# A speed-up of the whole run from which on a saving counts.
WORTHWHILE_SPEEDUP = 1 + WORTHWHILE_SHARE

# What differed between the races, in words.
VARIED = {
    "weights and order": "; each race had other weights and another order of the data",
    "order": "; each race had another order of the data, but the same weights",
}


def time_to_target(outcome: Outcome) -> TimeToTarget | None:
    """Returns the result of the races of a remedy, or None where none was run."""
    result = outcome.finish
    if result is None or result.comparison.n == 0:
        return None
    ratio = result.comparison.ratio or Interval(low=0.0, mid=result.comparison.mid, high=result.comparison.mid)
    return TimeToTarget(
        reached=(result.reached, result.comparison.n),
        low=ratio.low,
        mid=ratio.mid,
        high=ratio.high,
        metric=result.what,
        target=result.value(result.target) if result.target < inf else None,
        covered=result.covered,
        beyond=result.beyond,
        reached_low=result.reached_share[0],
        reached_high=result.reached_share[1],
        varied=result.varied,
        by_rule=result.by_rule,
    )


def race_quality(outcome: Outcome) -> str:
    """Describes the quality of the training, or returns "" where no race was run."""
    result = outcome.finish
    if result is None or not result.reached or result.comparison.n == 0:
        return ""
    level, baseline = (_figure(result.value(each)) for each in (result.level, result.baseline_level))
    best = f"best {result.what} {level} instead of {baseline}"
    covered = "the whole training" if result.covered >= 1 else f"the first {percent(result.covered)} of the training"
    varied = VARIED.get(result.varied, "")
    return f"{best} in {covered}{varied}"


def _figure(level: float) -> str:
    return f"{level:.3g}" if abs(level) < inf else "none"


def is_open(outcome: Outcome, speedup: Interval | None) -> bool:
    """Whether a race was won, but covered too little of the training to promise a saving of the whole."""
    if outcome.verdict != "measured" or outcome.finish is None or speedup is None:
        return False
    return speedup.low < WORTHWHILE_SPEEDUP <= speedup.mid and outcome.finish.covered < 1
