"""Who reached the target of a race, and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, inf, log
from statistics import median

from fitdoctor.recording.model import Arm, Lap, Race, RaceRun, Rehearsal
from fitdoctor.trials.statistics import CONFIDENCE, FLOOR, MOST_RATIO, Comparison, Verdict, bounds, comparison_of

#: The unit of arms that run in a race.
RACE = "race"
#: Repetitions after which a decision may be taken: fixed beforehand, since every look is a chance to be wrong.
LOOKS = (3, 6)
#: A gain below this that the repetitions do not prove is taken for none: first arrivals differ more than windows do.
HARDLY_SOONER = 1.25
#: Two scores this near to each other are one level: a target is eased by it, so that the last wiggle of a curve decides
#: nothing.
SAME_LEVEL = 0.02
#: A level this much lower than another is a better one, whatever either wiggles.
BETTER = 0.10
#: A baseline that comes to its best level in the first half of its run has stopped learning: then how soon others come
#: to that level says little, and whether they come to a better one says much.
EARLY = 0.5
#: A racer must have come this share below where it began: a score that is good because the start was is not learned.
LEARNED = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class RaceOutcome:
    """How one racer did against the baseline, over the repetitions that count.

    The target is the level that the baseline came to. Where the racer came to a clearly better level in each
    repetition, the target is that one (`beyond`), and the baseline's time the whole of its run: at least so much
    sooner.

    `comparison` holds a log ratio a repetition: how many times sooner the racer reached the target. A racer that never
    did is taken to have reached it when it was stopped, or no sooner than the baseline, which flatters it; `reached`
    says how often it really did. Where the script's own stopping rule ended every run of both, and the racer's at no
    worse a level (`by_rule`), the times are those until it did. `what` names the score. `covered` is the share of the
    whole training that the baseline's runs went through, `throughput` how many times as many samples a second the racer
    trains on; `level` and `baseline_level` are the best that each came to.
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
        from scipy.special import (
            betaincinv,
        )  # quantiles of the beta distribution; `scipy.stats` takes a second to import

        low = float(betaincinv(reached, n - reached + 1, tail)) if reached else 0.0
        return low, float(betaincinv(reached + 1, n - reached, 1 - tail)) if reached < n else 1.0

    def value(self, score: float) -> float:
        """A score as the script's own logs show it."""
        return 1 - score if self.upwards else score


def finish(rehearsal: Rehearsal, arm: Arm) -> RaceOutcome | None:
    """How an arm did in the race of a rehearsal, or None where no repetition counts.

    Example:
        >>> result = finish(rehearsal, arm)
        >>> result.reached, result.comparison.ratio
        (3, Interval(low=4.1, mid=6.0, high=8.8))
    """
    race = rehearsal.race
    baseline = next((other for other in rehearsal.arms if other.unit == RACE and other.role == "baseline"), None)
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
    """Whether the script's stopping rule ended every run, those of the racer at no worse a level than the baseline's of
    its repetition.

    A rule that ends a run at its best score yet waits for a goal: who is stopped there as well has come to the same
    goal, even where the last step of the one went further past it.
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
    """The best level of a run that has ended: its last score counts as it is, since no later one will bear it out."""
    last = run.laps[-1].score
    return min(best(run.laps), inf if last is None else last)


def judge(result: RaceOutcome, racers: int) -> tuple[Verdict, str]:
    """Whether a racer is proven to be sooner at the target, not to be, or neither.

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
    aim = f"{aim}, where it never comes as it is," if result.beyond else aim
    aim = f"the end by the script's own stopping rule, at no worse a {result.what}," if result.by_rule else aim
    counted = f"{result.reached} of {races} races"
    if races < LOOKS[0] or comparison.ratio is None:
        return "inconclusive", f"Came to {aim} in {counted}: too few to tell. A larger --race-budget has room for more."
    if result.reached < races:
        verdict: Verdict = (
            "refuted" if 2 * result.reached <= races or comparison.mid < HARDLY_SOONER else "inconclusive"
        )
        return verdict, f"Came to {aim} in {counted} only."
    shown = f"{comparison.ratio.mid:.2f}× [{comparison.ratio.low:.2f}, {comparison.ratio.high:.2f}] over {races} races"
    strict = bounds(comparison, 1 - (1 - CONFIDENCE) / (len(LOOKS) * max(1, racers)))
    if strict.low > FLOOR:
        return "measured", f"Came to {aim} in {counted}."
    if comparison.mid < HARDLY_SOONER or races >= LOOKS[-1] and comparison.ratio.low <= 1:
        return "refuted", f"Came to {aim} no sooner than chance explains: {shown}."
    more = " of so few: a larger --race-budget has room for more" if races < LOOKS[-1] else ""
    return "inconclusive", f"Came to {aim} in {counted}, but {shown} may be chance{more}."


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
    """The best level that a run came to."""
    return min(levels(laps), default=inf)


def with_tolerance(level: float) -> float:
    """A level with what counts as the same added to it."""
    return level + SAME_LEVEL * abs(level) if level < inf else inf


def clearly_better(level: float) -> float:
    """A level that is clearly better."""
    return level - BETTER * abs(level) if level < inf else inf


def stopped_early(laps: Sequence[Lap]) -> bool:
    """Whether a run came to its best level so early that it learned nothing more in most of its time."""
    return baseline_steps(laps, with_tolerance(best(laps))) < EARLY * laps[-1].steps


def steps_to(laps: Sequence[Lap], target: float) -> float | None:
    """Steps until a run first came to the target and had learned something, between two laps in proportion; None where
    it never did.

    Within the first lap nothing is told apart: who arrives there has taken all of it.
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
    """The same for the baseline, which sets the target. Where it learned nothing, all of its steps were for nothing."""
    took = steps_to(laps, target)
    return float(laps[-1].steps) if took is None else took


def settled_step_s(race: Race, arm: str) -> float:
    """The median cost of a step of an arm, over all of its laps but the first of each run:

    one hiccup decides nothing.
    """
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
    """How many steps the next lap has: one part in seven of those behind it, so that times are known to about as much.

    Example:
        >>> next_lap(0, 10, 1), next_lap(700, 10, 1), next_lap(700, 10, 32)
        (10, 100, 128)
    """
    wanted = max(least, steps // 7, 1)
    return ceil(wanted / per_execution) * per_execution


def _runs(race: Race, arm: str) -> dict[int, RaceRun]:
    """The finished runs of an arm by repetition: those that count, or those that chose where it was not chosen."""
    finished = {run.repetition: run for run in race.runs if run.arm == arm and run.finished and len(run.laps) > 1}
    return {number: run for number, run in finished.items() if number >= race.counted_from} or finished


def _bounded_log(baseline_s: float, ours_s: float) -> float:
    if baseline_s <= 0 or ours_s <= 0:
        return 0.0
    bound = log(MOST_RATIO)
    return min(bound, max(-bound, log(baseline_s / ours_s)))
