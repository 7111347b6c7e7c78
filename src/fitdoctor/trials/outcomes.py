"""The outcome of each arm: what its comparison proves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from fitdoctor.changes.model import edits_input
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.recording.model import Arm, Rehearsal, Run
from fitdoctor.report.model import Interval, Safety
from fitdoctor.trial_units import Unit, rule_of, shares_error
from fitdoctor.trials.process_statistics import judge as judge_processes
from fitdoctor.trials.process_statistics import per_process
from fitdoctor.trials.race_outcome import HARDLY_SOONER, RaceOutcome, outcome_of_race
from fitdoctor.trials.race_outcome import judge as judge_race
from fitdoctor.trials.safety import declared, found_safety, verified
from fitdoctor.trials.statistics import FLOOR, Comparison, compare, comparison_of, hopeless, judge, shrunk

# The number of continuous stretches that a comparison needs.
STRETCHES = 3
# The remedy that changes only the learning rate, and the cause that it treats.
RATE_ALONE, LOW_RATE = "raise-learning-rate", "low-learning-rate"

OutcomeVerdict = Literal["measured", "refuted", "inconclusive", "failed", "reference"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One arm, how it compares with its reference, and what that proves.

    `one_off_s` is what the arm pays once on top of the baseline. `target` and `index` name the fit or loop. `finish` is
    the result of an arm of the unit "race". There, `comparison` compares the times to the same validation loss.
    """

    target: str
    index: int
    arm: Arm
    windows: int
    comparison: Comparison
    verdict: OutcomeVerdict
    why: str
    one_off_s: float
    finish: RaceOutcome | None = None

    @property
    def safety(self) -> Safety:
        """The verified safety, if the trial could compare all that the arm changes; else at most the declared one."""
        return found_safety(self.arm)

    @property
    def helps(self) -> bool:
        """Whether the arm is proven to make its unit faster."""
        return self.verdict == "measured" and self.arm.role in ("remedy", "prescription")


def all_outcomes(run: Run) -> tuple[Outcome, ...]:
    """Returns the outcomes of all arms but the baselines, in the order of the rehearsals."""
    return tuple(outcome for rehearsal in run.rehearsals for outcome in outcomes_of(rehearsal))


def outcomes_of(rehearsal: Rehearsal) -> tuple[Outcome, ...]:
    """Returns the outcomes of the arms of one rehearsal.

    Example:
        >>> [(outcome.arm.id, outcome.verdict) for outcome in outcomes_of(rehearsal)]
        [('step/placebo', 'reference'), ('step/input-free', 'reference'), ('step/prefetch', 'refuted')]
    """
    remedies = max(
        1, sum(1 for arm in rehearsal.arms if arm.role in ("remedy", "prescription") and shares_error(arm.unit))
    )
    tried = [arm for arm in rehearsal.arms if arm.role != "baseline"]
    timed = [_outcome(rehearsal, arm, remedies) for arm in tried if rule_of(arm.unit) != "races"]
    found = timed + _credited([_raced(rehearsal, arm, timed) for arm in tried if rule_of(arm.unit) == "races"])
    stretched = [
        outcome for outcome in found if outcome.arm.unit == Unit.STRETCH and outcome.arm.role == "prescription"
    ]
    stretch = next(
        (outcome for outcome in stretched if outcome.comparison.n >= STRETCHES and not outcome.arm.doubt), None
    )
    held = next(
        (o for o in found if stretch and o.helps and o.arm.unit == Unit.STEP and o.arm.changes == stretch.arm.changes),
        None,
    )
    if stretch is None or held is None:
        return tuple(found)
    kept = min(1.0, max(0.0, stretch.comparison.mean_log) / held.comparison.mean_log)
    return tuple(
        _confirmed(o, stretch.comparison if o is held else kept) if o.helps and o.arm.unit == Unit.STEP else o
        for o in found
    )


def confirmed_next(rehearsal: Rehearsal) -> Arm | None:
    """Returns the arm to confirm in continuous stretches: the best one that made the step faster."""
    helped = [outcome for outcome in outcomes_of(rehearsal) if outcome.helps and outcome.arm.unit == Unit.STEP]
    return max(helped, key=lambda outcome: outcome.comparison.mid).arm if helped else None


def _confirmed(outcome: Outcome, stretch: Comparison | float) -> Outcome:
    """Returns the outcome with the effect that continuous stretches confirm.

    Only the best arm is measured in stretches. The other arms keep the same share of their effect.
    """
    comparison = stretch if isinstance(stretch, Comparison) else shrunk(outcome.comparison, stretch)
    why = f"{outcome.why} In continuous stretches {comparison.mid:.2f}×."
    return replace(
        outcome, comparison=comparison, verdict="measured" if comparison.mid > FLOOR else "inconclusive", why=why
    )


def is_larger_batch(arm: Arm) -> bool:
    """Returns whether a racer trains with another batch size."""
    return any(change.get("argument") == "batch_size" for change in arm.changes)


def _credited(raced: list[Outcome]) -> list[Outcome]:
    """Refutes larger batches whose effect is due to their learning rate alone."""
    alone = max(
        (o for o in raced if o.helps and o.arm.remedy == RATE_ALONE), key=lambda o: o.comparison.mid, default=None
    )
    if alone is None:
        return raced
    return [
        replace(
            o,
            verdict="refuted",
            why=f"{o.why} But the learning rate alone reaches it {alone.comparison.mid:.2f}× sooner "
            f"({alone.arm.label}), and larger batches {o.comparison.mid:.2f}×: the batch size is not the reason.",
        )
        if o.helps and is_larger_batch(o.arm) and o.comparison.mid < HARDLY_SOONER * alone.comparison.mid
        else o
        for o in raced
    ]


def measured_by(outcomes: Iterable[Outcome]) -> MeasuredRatios:
    """Returns the measured ratios that facts are based on."""
    input_free: dict[int, Interval] = {}
    fewer_dispatches: dict[int, Interval] = {}
    gathered: dict[int, Interval] = {}
    rate_alone: dict[int, float] = {}
    for outcome in outcomes:
        ratio = outcome.comparison.ratio
        if (outcome.target, outcome.arm.role) == ("loop", "ceiling") and ratio is not None:
            gathered[outcome.index] = ratio
        if outcome.target == "fit" and outcome.arm.remedy == RATE_ALONE and outcome.helps:
            rate_alone[outcome.index] = outcome.arm.changes[0]["value"]
        if (
            outcome.target != "fit"
            or outcome.arm.unit != Unit.STEP
            or outcome.arm.failed
            or outcome.arm.doubt
            or ratio is None
        ):
            continue
        # An input remedy that removes the whole wait may be faster than the ceiling by chance. Then it is the ceiling.
        if outcome.arm.role == "ceiling" or outcome.helps and _only_changes_input(outcome.arm):
            input_free[outcome.index] = _larger(ratio, input_free.get(outcome.index))
        elif outcome.helps and _only_dispatches_less(outcome.arm):
            fewer_dispatches[outcome.index] = _larger(ratio, fewer_dispatches.get(outcome.index))
    return MeasuredRatios(
        input_free=input_free, fewer_dispatches=fewer_dispatches, rate_alone=rate_alone, gathered=gathered
    )


def _outcome(rehearsal: Rehearsal, arm: Arm, remedies: int) -> Outcome:
    same_unit = [other for other in rehearsal.arms if other.unit == arm.unit]
    baselines = [other for other in same_unit if other.role == "baseline"]
    placebos = [other for other in same_unit if other.role == "placebo" and other.id != arm.id]
    references = [other.id for other in (baselines if arm.role == "placebo" else baselines + placebos)]
    windows = per_process(rehearsal.windows) if rule_of(arm.unit) == "processes" else rehearsal.windows
    comparison = compare(windows, arm.id, references)
    placebo = compare(rehearsal.windows, placebos[0].id, [other.id for other in baselines]) if placebos else None
    verdict, why = _judged(arm, comparison, placebo, remedies, untried=_untried(rehearsal))
    # The placebo is built like every arm, in an equally warm process: what it pays once, the script pays today.
    paid_s = max((other.one_off_s for other in placebos or baselines), default=0.0)
    return Outcome(
        target=rehearsal.target,
        index=rehearsal.index,
        arm=arm,
        windows=sum(1 for window in rehearsal.windows if window.arm == arm.id),
        comparison=comparison,
        verdict=verdict,
        why=why,
        # A cheaper first unit may only be due to the warmer process, so it is not counted as saved.
        one_off_s=max(0.0, arm.one_off_s - paid_s),
    )


def _raced(rehearsal: Rehearsal, arm: Arm, timed: Iterable[Outcome]) -> Outcome:
    """Returns the outcome of a racer. It is not raced if cheaper trials refuted all other remedies of its cause."""
    others = {outcome.verdict for outcome in timed if outcome.arm.role == "remedy" and outcome.arm.cause == arm.cause}
    result = outcome_of_race(rehearsal, arm)
    counted = result is not None and result.comparison.n > 0
    racers = len({other.remedy for other in rehearsal.arms if other.unit == Unit.RACE and other.role == "remedy"})
    verdict: OutcomeVerdict
    if arm.failed:
        verdict, why = "failed", arm.why or "The trial of this change failed."
    elif arm.doubt:
        verdict, why = "inconclusive", arm.doubt
    elif arm.why and arm.dropped:
        verdict, why = "refuted", arm.why
    elif not counted and others == {"refuted"}:
        verdict, why = "refuted", f"Not raced: what else treats {arm.cause} had no effect."
    elif result is None or not counted:
        verdict, why = "inconclusive", arm.why or _unraced(rehearsal)
    elif arm.dropped:
        verdict, why = "refuted", f"{judge_race(result, racers)[1]} Given up after {result.comparison.n} races."
    else:
        verdict, why = judge_race(result, racers)
    return Outcome(
        target=rehearsal.target,
        index=rehearsal.index,
        arm=arm,
        windows=result.comparison.n if result is not None else 0,
        comparison=result.comparison if result is not None else comparison_of(arm.id, ()),
        verdict=verdict,
        why=why,
        one_off_s=0.0,
        finish=result,
    )


def _unraced(rehearsal: Rehearsal) -> str:
    if rehearsal.ending.how == "interrupted":
        return "The diagnosis was interrupted before its races were decided."
    return "It was not raced." if rehearsal.race is None else "The time for races was used up."


def _untried(rehearsal: Rehearsal) -> str:
    """Returns why an arm was not tried."""
    if rehearsal.ending.how == "interrupted":
        return "The diagnosis was interrupted before it was tried."
    return "The budget was used up before it was tried."


def _judged(
    arm: Arm, comparison: Comparison, placebo: Comparison | None, remedies: int, *, untried: str
) -> tuple[OutcomeVerdict, str]:
    if arm.failed:
        return "failed", arm.why or "The trial of this change failed."
    if arm.doubt:
        return "inconclusive", arm.doubt
    if arm.role in ("placebo", "ceiling"):
        return "reference", arm.why
    if declared(arm) == "exact" and verified(arm) == "semantics":
        what = "batches" if arm.batches == "different" else "weights"
        return "refuted", f"The {what} differ: this would be another training, not a faster one."
    if comparison.n == 0:
        return "inconclusive", arm.why or untried
    by_process = rule_of(arm.unit) == "processes"
    verdict, why = judge_processes(comparison) if by_process else judge(comparison, placebo, remedies=remedies)
    if verdict == "inconclusive" and hopeless(comparison):
        return "refuted", f"{comparison.mid:.2f}× after {comparison.n} rounds: dropped."
    return verdict, why


def _larger(ratio: Interval, other: Interval | None) -> Interval:
    return ratio if other is None or ratio.mid > other.mid else other


def _only_changes_input(arm: Arm) -> bool:
    return bool(arm.changes) and all(edits_input(change) for change in arm.changes)


def _only_dispatches_less(arm: Arm) -> bool:
    """Returns whether an arm computes the same with fewer launches from Python, and so saves only host time."""
    settings = {change.get("argument") for change in arm.changes}
    return bool(settings) and settings <= {"steps_per_execution", "run_eagerly"}
