"""Judges races: which racer reached the target, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, log
from statistics import median

from fitdoctor.recording.model import Arm, Lap, Race, RaceRun, Rehearsal
from fitdoctor.trial_units import Unit
from fitdoctor.trials.statistics import CONFIDENCE, FLOOR, MOST_RATIO, Comparison, Verdict, bounds, comparison_of

# Repetitions after which a decision may be taken. They are fixed beforehand: each decision may be wrong by chance.
DECISION_RACES = (3, 6)
# A smaller gain that is not proven counts as none: times to a target differ more than windows do.
HARDLY_SOONER = 1.25
# Two scores that differ by less are one level. A target has this tolerance, so that noise at the end of a curve does
# not decide.
SAME_LEVEL = 0.02
# A level that is lower by this share is clearly better, whatever the noise.
BETTER = 0.10
# A baseline that reaches its best level in this share of its run has stopped learning. Then a racer must reach a better
# level: the time to the same level says little.
EARLY = 0.5
# A racer must get this share below its first score, or a good start would count as learning.
LEARNED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceOutcome:
    """How one racer compares with the baseline, over the repetitions that count.

    Attributes:
        comparison: One log ratio for each repetition: how many times sooner the racer reached the target. For a racer
            that did not reach it, the time until it was stopped counts, or the baseline's if that is longer. This
            flatters the racer.
        reached: How often the racer reached the target.
        target: The best level of the baseline, or a better one.
        beyond: Whether the racer reached a clearly better level in each repetition. Then this is the target, and the
            baseline's time is its whole run.
        what: The name of the score.
        covered: The share of the whole training that the baseline's runs covered.
        throughput: How many times as many samples a second the racer trains on.
        level: The best level of the racer.
        baseline_level: The best level of the baseline.
        by_rule: Whether the script's own stopping rule ended every run of both, the racer's at no worse a level. Then
            the times are those until it did.
        upwards: Whether larger values of the script's own metric are better.
        varied: What differed between the repetitions.
    """

    comparison: Comparison
    reached: int
    target: float
    beyond: bool
    what: str
    covered: float
    throughput: float
    level: float
    baseline_level: float
    by_rule: bool = False
    upwards: bool = False
    varied: str = ""

    @property
    def reached_share(self) -> tuple[float, float]:
        """Bounds of the share of races in which the racer comes to the target (Clopper and Pearson)."""
        reached, n, tail = self.reached, self.comparison.n, (1 - CONFIDENCE) / 2
        # Quantiles of the beta distribution. `scipy.stats` takes a second to import.
        from scipy.special import betaincinv

        low = float(betaincinv(reached, n - reached + 1, tail)) if reached else 0.0
        return low, float(betaincinv(reached + 1, n - reached, 1 - tail)) if reached < n else 1.0

    def value(self, score: float) -> float:
        """A score as the script's own logs show it."""
        return 1 - score if self.upwards else score


def outcome_of_race(rehearsal: Rehearsal, arm: Arm) -> RaceOutcome | None:
    """How an arm compares in the race of a rehearsal, or None where no repetition counts.

    Example:
        >>> result = outcome_of_race(rehearsal, arm)
        >>> result.reached, result.comparison.ratio
        (3, Interval(low=4.1, mid=6.0, high=8.8))
    """
    race = rehearsal.race
    baseline = next((other for other in rehearsal.arms if other.unit == Unit.RACE and other.role == "baseline"), None)
    if race is None or baseline is None:
        return None
    ours = _runs(race, arm.id)
    theirs = {run.repetition: run for run in race.runs if run.arm == baseline.id and run.finished and len(run.laps) > 1}
    paired = [number for number in theirs if number in ours]
    if not paired:
        return None
    bests = [best(theirs[number].laps) for number in paired]
    target, further = with_tolerance(max(bests)), clearly_better(min(bests))
    beyond = all(steps_to(ours[number].laps, further) is not None for number in paired)
    by_rule = bool(race.rule) and _end_alike([theirs[number] for number in paired], [ours[number] for number in paired])
    beyond = beyond and not by_rule
    target = further if beyond else target
    baseline_step_s, step_s = settled_step_s(race, baseline.id), settled_step_s(race, arm.id)
    logs, reached = [], 0
    for number in paired:
        whole, own = theirs[number].laps[-1].steps, ours[number].laps[-1].steps
        took = float(own) if by_rule else steps_to(ours[number].laps, target)
        reached += took is not None
        baseline_s = (whole if by_rule else baseline_steps(theirs[number].laps, target)) * baseline_step_s
        logs.append(_bounded_log(baseline_s, took * step_s if took is not None else max(own * step_s, baseline_s)))
    ended = all(theirs[number].stopped for number in paired)
    covered = 1.0 if ended else min(theirs[number].laps[-1].steps for number in paired) / max(1, race.training_steps)
    return RaceOutcome(
        comparison=comparison_of(arm.id, logs),
        reached=reached,
        target=target,
        beyond=beyond,
        what=f"val_{race.metric}" if race.judged_on == "validation data" else f"{race.metric} on the {race.judged_on}",
        covered=min(1.0, covered),
        throughput=batch_ratio(arm, race.batch_size) * baseline_step_s / step_s if step_s > 0 else 1.0,
        level=median(best(ours[number].laps) for number in paired),
        baseline_level=median(bests),
        by_rule=by_rule,
        upwards=race.upwards,
        varied=race.varied,
    )


def _end_alike(theirs: Sequence[RaceRun], ours: Sequence[RaceRun]) -> bool:
    """Whether the script's stopping rule ended every run, and the racer's runs at no worse a level than the baseline's.

    A rule that stops each run at its best score waits for a goal. Runs that it stops there reached the same goal, even
    where the last step of one went further past it.
    """
    if not all(run.stopped for run in (*theirs, *ours)):
        return False
    if all(_ends_at_its_best(run) for run in (*theirs, *ours)):
        return True
    return all(_stopped_at(own) <= with_tolerance(_stopped_at(other)) for own, other in zip(ours, theirs, strict=True))


def _ends_at_its_best(run: RaceRun) -> bool:
    scores = [inf if lap.score is None else lap.score for lap in run.laps]
    return scores[-1] < min(scores[:-1], default=inf)


def _stopped_at(run: RaceRun) -> float:
    """The best level of a run that has ended. Its last score counts as it is, since no later one can confirm it."""
    last = run.laps[-1].score
    return min(best(run.laps), inf if last is None else last)


def judge(result: RaceOutcome, racers: int) -> tuple[Verdict, str]:
    """Whether a racer is proven to reach the target sooner, proven not to, or neither.

    Args:
        result: Of the racer.
        racers: How many share the chance of being wrong.
    """
    comparison, races = result.comparison, result.comparison.n
    aim = (
        f"{result.what} {result.value(result.target):.3g}"
        if result.target < inf
        else f"a {result.what} that is a number"
    )
    aim = f"{aim}, which the script as it is never reaches," if result.beyond else aim
    aim = f"the end by the script's own stopping rule, at no worse a {result.what}," if result.by_rule else aim
    counted = f"{result.reached} of {races} races"
    if races < DECISION_RACES[0] or comparison.ratio is None:
        return "inconclusive", f"Reached {aim} in {counted}: too few to tell. A larger --race-budget has room for more."
    if result.reached < races:
        verdict: Verdict = (
            "refuted" if 2 * result.reached <= races or comparison.mid < HARDLY_SOONER else "inconclusive"
        )
        return verdict, f"Reached {aim} in {counted} only."
    shown = f"{comparison.ratio.mid:.2f}× [{comparison.ratio.low:.2f}, {comparison.ratio.high:.2f}] over {races} races"
    strict = bounds(comparison, 1 - (1 - CONFIDENCE) / (len(DECISION_RACES) * max(1, racers)))
    if strict.low > FLOOR:
        return "measured", f"Reached {aim} in {counted}."
    if comparison.mid < HARDLY_SOONER or races >= DECISION_RACES[-1] and comparison.ratio.low <= 1:
        return "refuted", f"Reached {aim} no sooner than chance explains: {shown}."
    more = " of so few: a larger --race-budget has room for more" if races < DECISION_RACES[-1] else ""
    return "inconclusive", f"Reached {aim} in {counted}, but {shown} may be chance{more}."


def batch_ratio(arm: Arm, batch_size: int) -> float:
    """How many times as large the batches of an arm are."""
    size = next((change["value"] for change in arm.changes if change.get("argument") == "batch_size"), None)
    return size / batch_size if size and batch_size else 1.0


def levels(laps: Sequence[Lap]) -> list[float]:
    """The scores without single outliers: the median of each with its neighbours, at the end the worse of the last two.

    Example:
        >>> levels([Lap(steps=0, score=9.0), Lap(steps=1, score=1.0), Lap(steps=2, score=5.0), Lap(steps=3, score=4.0)])
        [9.0, 5.0, 4.0, 5.0]
    """
    scores = [inf if lap.score is None else lap.score for lap in laps]
    if len(scores) < 2:
        return scores
    inner = [median(scores[at - 1 : at + 2]) for at in range(1, len(scores) - 1)]
    return [scores[0], *inner, max(scores[-2:])]


def best(laps: Sequence[Lap]) -> float:
    """The best level of a run."""
    return min(levels(laps), default=inf)


def with_tolerance(level: float) -> float:
    """The worst level that counts as the same."""
    return level + SAME_LEVEL * abs(level) if level < inf else inf


def clearly_better(level: float) -> float:
    """The worst level that is clearly better."""
    return level - BETTER * abs(level) if level < inf else inf


def stopped_early(laps: Sequence[Lap]) -> bool:
    """Whether a run reached its best level so early that it learned nothing in most of its time."""
    return baseline_steps(laps, with_tolerance(best(laps))) < EARLY * laps[-1].steps


def steps_to(laps: Sequence[Lap], target: float) -> float | None:
    """Steps until a run first reached the target and had learned something; None where it did not.

    Between two laps the steps are interpolated. A run that arrives in its first lap took all of that lap.
    """
    found = levels(laps)
    if not found or found[0] == inf and target == inf:
        return None
    goal = min(target, found[0] - LEARNED * abs(found[0])) if found[0] < inf else target
    for at in range(1, len(found)):
        if found[at] <= goal:
            before, after = found[at - 1], found[at]
            share = (before - goal) / (before - after) if at > 1 and before < inf and before > after else 1.0
            return max(1.0, laps[at - 1].steps + share * (laps[at].steps - laps[at - 1].steps))
    return None


def baseline_steps(laps: Sequence[Lap], target: float) -> float:
    """The same for the baseline, which sets the target. Where it learned nothing, all of its steps count."""
    took = steps_to(laps, target)
    return float(laps[-1].steps) if took is None else took


def settled_step_s(race: Race, arm: str) -> float:
    """The median cost of a step of an arm, over all of its laps but the first of each run."""
    costs = []
    for run in race.runs:
        if run.arm == arm:
            pairs = list(zip(run.laps, run.laps[1:], strict=False))
            costs += [
                (lap.seconds / (lap.steps - before.steps))
                for before, lap in pairs[1:] or pairs
                if lap.steps > before.steps
            ]
    return median(costs) if costs else 0.0


def next_lap(steps: int, least: int, per_execution: int) -> int:
    """How many steps the next lap has: a seventh of those before it, which is the precision of the times.

    Example:
        >>> next_lap(0, 10, 1), next_lap(700, 10, 1), next_lap(700, 10, 32)
        (10, 100, 128)
    """
    wanted = max(least, steps // 7, 1)
    return ceil(wanted / per_execution) * per_execution


def _runs(race: Race, arm: str) -> dict[int, RaceRun]:
    """The finished runs of an arm by repetition: those that count, or the heat where the arm was not selected."""
    finished = {run.repetition: run for run in race.runs if run.arm == arm and run.finished and len(run.laps) > 1}
    return {number: run for number, run in finished.items() if number >= race.counted_from} or finished


def _bounded_log(baseline_s: float, ours_s: float) -> float:
    if baseline_s <= 0 or ours_s <= 0:
        return 0.0
    bound = log(MOST_RATIO)
    return min(bound, max(-bound, log(baseline_s / ours_s)))
