"""What races say of a remedy, beside what they say of the whole run."""

from __future__ import annotations

from math import inf

from fitdoctor.facts.facts import WORTHWHILE_SHARE
from fitdoctor.report.model import Interval, TimeToTarget
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.wording import percent

#: A whole run that becomes this much faster saves the share from which on a cost counts.
WORTHWHILE_SPEEDUP = 1 + WORTHWHILE_SHARE
#: What differed between the races, in words.
VARIED = {
    "weights and order": ", each from other weights and in another order",
    "order": ", in another order each but from the same weights",
}


def time_to_target(outcome: Outcome) -> TimeToTarget | None:
    """How a racer did, or None where nothing was raced."""
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
    """What came of the training's quality, in words; an empty string where nothing was raced."""
    result = outcome.finish
    if result is None or not result.reached or result.comparison.n == 0:
        return ""
    level, baseline = (_figure(result.value(each)) for each in (result.level, result.baseline_level))
    went = f"best {result.what} {level} against {baseline}"
    covered = "the whole training" if result.covered >= 1 else f"the first {percent(result.covered)} of the training"
    varied = VARIED.get(result.varied, "")
    return f"{went}, racing {covered}{varied}"


def _figure(level: float) -> str:
    return f"{level:.3g}" if abs(level) < inf else "none"


def is_open(outcome: Outcome, speedup: Interval | None) -> bool:
    """Whether a race was won and may mean much for the whole training, of which it covered too little to promise
    anything.
    """
    if outcome.verdict != "measured" or outcome.finish is None or speedup is None:
        return False
    return speedup.low < WORTHWHILE_SPEEDUP <= speedup.mid and outcome.finish.covered < 1
