"""Plans the rehearsals and their arms, and the arm that combines the remedies that helped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fitdoctor.causes.registry import run_causes
from fitdoctor.facts.facts import WORTHWHILE_SHARE, Facts
from fitdoctor.facts.finding import Finding
from fitdoctor.recording.model import Arm, Rehearsal
from fitdoctor.remedies.registry import Offer, offers
from fitdoctor.trial_units import Unit
from fitdoctor.trials.outcomes import Outcome, outcomes_of
from fitdoctor.trials.priorities import by_worth, whole_trial_s
from fitdoctor.trials.safety import worst

# Each rehearsal costs a start-up. A fourth one would leave too little time for each.
MOST_REHEARSALS = 3
# The least time for a rehearsal, however short its start-up.
LEAST_TRIAL_S = 5.0
# The remedy id of the ceiling arm with free input.
INPUT_FREE = "input-free"
# The remedy id of the ceiling arm of a loop over tiny batches.
GATHERED = "gathered-rows"
# Arms are grouped by unit, in this order.
UNITS = (Unit.STEP, Unit.EPOCH, Unit.EPOCH_END, Unit.VALIDATION, Unit.CALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class RehearsalPlan:
    """A planned rehearsal: its fit or loop, its arms in order, and what its remedies may save.

    A fit is tried step by step, or as one of many calls at the same place. Then its arms are those of a call.
    """

    target: str
    index: int
    arms: tuple[Arm, ...]
    expected_saving_s: float
    race_saving_s: float = 0.0

    @property
    def races(self) -> bool:
        """Whether trainings are raced to the same validation loss, on a separate budget."""
        return any(arm.unit == Unit.RACE for arm in self.arms)

    @property
    def as_calls(self) -> bool:
        """Whether whole calls alternate while the script runs on."""
        return all(arm.unit == Unit.CALL for arm in self.arms)


def plan(facts: Facts) -> tuple[RehearsalPlan, ...]:
    """Returns the rehearsals that are worth their time, ordered by what each may save per second of trial.

    Example:
        >>> [rehearsal.target for rehearsal in plan(Facts(run))]
        ['fit', 'loop']
    """
    if not facts.can_be_tried:
        return ()
    findings = [finding for finding in run_causes(facts)[0] if not finding.informative]
    plans = [*_fit_plans(facts, findings), *_fit_call_plans(facts, findings), *_loop_plans(facts, findings)]
    plans.sort(
        key=lambda each: (
            -each.expected_saving_s / max(whole_trial_s(facts, each.target, each.index, each.arms), LEAST_TRIAL_S)
        )
    )
    return tuple(plans[:MOST_REHEARSALS])


def plan_environments(facts: Facts) -> tuple[RehearsalPlan, ...]:
    """Returns the comparisons of environments, with one arm each, ordered by what they may save.

    Example:
        >>> [comparison.arms[-1].remedy for comparison in plan_environments(Facts(run))]
        ['default-threads']
    """
    if not facts.can_be_tried:
        return ()
    findings = [finding for finding in run_causes(facts)[0] if not finding.informative]
    plans = []
    for fit in facts.fits:
        concerned = [finding for finding in findings if finding.fit == fit.index]
        if fit.record.declined or facts.share(fit.id) < WORTHWHILE_SHARE:
            continue
        for arm in _arms(facts, concerned):
            if arm.unit == Unit.PROCESS:
                saving_s = max(finding.cost_s.mid for finding in concerned if finding.cause == arm.cause)
                plans.append(
                    RehearsalPlan(
                        target="fit", index=fit.index, arms=(_baseline(Unit.PROCESS), arm), expected_saving_s=saving_s
                    )
                )
    return tuple(sorted(plans, key=lambda comparison: -comparison.expected_saving_s))


def _fit_plans(facts: Facts, findings: Iterable[Finding]) -> Iterator[RehearsalPlan]:
    for fit in facts.fits:
        if fit.record.declined or facts.share(fit.id) < WORTHWHILE_SHARE or fit.step_s <= 0:
            continue
        concerned = [finding for finding in findings if finding.fit == fit.index]
        arms = _arms(facts, concerned)
        # Every fit gets the ceiling arm: it bounds all input remedies, and proves that a fit is compute-bound.
        step = [*_references(Unit.STEP), ceiling(), *(arm for arm in arms if arm.unit == Unit.STEP)]
        costs: dict[str, float] = {}
        for finding in concerned:
            costs[finding.cause] = max(costs.get(finding.cause, 0.0), finding.cost_s.mid)
        units = by_worth(facts, fit.index, [step, *(_with_references(unit, arms) for unit in UNITS[1:-1])], costs)
        rest = _racers(arms)
        saving_s = max((finding.cost_s.mid for finding in concerned), default=0.0)
        raced = {arm.cause for arm in rest if arm.unit == Unit.RACE}
        race_s = max((finding.cost_s.mid for finding in concerned if finding.cause in raced), default=0.0)
        yield RehearsalPlan(
            target="fit", index=fit.index, arms=(*units, *rest), expected_saving_s=saving_s, race_saving_s=race_s
        )


def _fit_call_plans(facts: Facts, findings: Iterable[Finding]) -> Iterator[RehearsalPlan]:
    for fit in facts.fits:
        concerned = [finding for finding in findings if finding.fit == fit.index]
        arms = _with_references(Unit.CALL, _arms(facts, concerned))
        if not arms or fit.record.declined or facts.share(fit.id) < WORTHWHILE_SHARE:
            continue
        saving_s = max(finding.cost_s.mid for finding in concerned)
        yield RehearsalPlan(target="fit", index=fit.index, arms=tuple(arms), expected_saving_s=saving_s)


def _loop_plans(facts: Facts, findings: Iterable[Finding]) -> Iterator[RehearsalPlan]:
    for loop in facts.loops:
        concerned = [finding for finding in findings if finding.loop == loop.index]
        arms = _with_references(Unit.CALL, _arms(facts, concerned))
        if loop.has_few_rows and concerned:
            ceiling_arm = Arm(
                id=f"call/{GATHERED}", role="ceiling", unit=Unit.CALL, remedy=GATHERED, label="more rows a call"
            )
            arms = [*(arms or _references(Unit.CALL)), ceiling_arm]
        if not arms or facts.share(loop.id) < WORTHWHILE_SHARE:
            continue
        saving_s = max(finding.cost_s.mid for finding in concerned)
        yield RehearsalPlan(target="loop", index=loop.index, arms=tuple(arms), expected_saving_s=saving_s)


def race_share(index: int, plans: Sequence[RehearsalPlan]) -> float:
    """Returns the share of the remaining race time for one fit, in proportion to what its races may save.

    Args:
        index: The index of the fit.
        plans: All rehearsals, in the order in which they run.
    """
    racing = [each for each in plans if each.races]
    at = next((at for at, each in enumerate(racing) if each.index == index), 0)
    most_s = sum(each.race_saving_s for each in racing[at:])
    return racing[at].race_saving_s / most_s if most_s > 0 else 1.0


def ceiling() -> Arm:
    """Returns the arm that runs the same steps on batches that are in memory already."""
    return Arm(id=f"step/{INPUT_FREE}", role="ceiling", unit=Unit.STEP, remedy=INPUT_FREE, label="input for free")


def _baseline(unit: str) -> Arm:
    return Arm(id=f"{unit}/baseline", role="baseline", unit=unit, label="as it is")


def _references(unit: str) -> list[Arm]:
    return [
        _baseline(unit),
        Arm(id=f"{unit}/placebo", role="placebo", unit=unit, label="as it is, again"),
    ]


def _with_references(unit: str, arms: Iterable[Arm]) -> list[Arm]:
    remedies = [arm for arm in arms if arm.unit == unit]
    return [*_references(unit), *remedies] if remedies else []


def _racers(arms: Iterable[Arm]) -> list[Arm]:
    """Returns the arms of a race: a baseline, and its rivals."""
    racers = [arm for arm in arms if arm.unit == Unit.RACE]
    return [_baseline(Unit.RACE), *racers] if racers else []


def _arms(facts: Facts, findings: Iterable[Finding]) -> list[Arm]:
    """Returns one arm for each different proposal. A remedy of two causes belongs to the costlier one."""
    arms: dict[str, Arm] = {}
    for finding in findings:
        for offer in offers(finding, facts)[0]:
            if (
                not offer.proposal.changes
                or offer.proposal.untried
                or any(offer.is_tried_by(arm) for arm in arms.values())
            ):
                continue
            again = sum(1 for taken in arms if taken.startswith(offer.arm_id))
            arm_id = f"{offer.arm_id}-{again + 1}" if offer.arm_id in arms else offer.arm_id
            arms[arm_id] = _arm(arm_id, offer, finding)
    return list(arms.values())


def _arm(arm_id: str, offer: Offer, finding: Finding) -> Arm:
    label = offer.proposal.label
    return Arm(
        id=arm_id,
        role="remedy",
        unit=offer.unit,
        remedy=offer.remedy.id,
        cause=finding.cause,
        label=f"{offer.remedy.title} ({label})" if label else offer.remedy.title,
        safety=offer.safety,
        changes=offer.changes,
    )


def combine(facts: Facts, rehearsal: Rehearsal) -> Arm | None:
    """Returns the arm that combines the remedies that helped a step; None if fewer than two can be combined.

    Example:
        >>> arm = combine(facts, rehearsal)
        >>> arm.role, arm.remedy
        ('prescription', 'batched-map + larger-execution')
    """
    if rehearsal.target != "fit" or rehearsal.index >= len(facts.fits):
        return None
    helped = [outcome for outcome in outcomes_of(rehearsal) if outcome.helps and outcome.arm.unit == Unit.STEP]
    helped.sort(key=lambda outcome: -outcome.comparison.mid)
    chosen: list[Outcome] = []
    edited: set[tuple[object, ...]] = set()
    for outcome in helped:
        edits = {_edited(change) for change in outcome.arm.changes}
        if edits.isdisjoint(edited):
            chosen.append(outcome)
            edited |= edits
    if len(chosen) < 2:
        return None
    return Arm(
        id="step/prescription",
        role="prescription",
        unit=Unit.STEP,
        remedy=" + ".join(outcome.arm.remedy for outcome in chosen),
        cause=chosen[0].arm.cause,
        label=" + ".join(outcome.arm.label for outcome in chosen),
        safety=worst([outcome.safety for outcome in chosen]),
        changes=[change for outcome in chosen for change in outcome.arm.changes],
    )


def _edited(change: dict[str, Any]) -> tuple[object, ...]:
    """Returns the edited place of a change. Two changes of the same place, such as one argument, exclude each other."""
    place = change["place"]
    if change["kind"] == "swap-calls" or change["kind"] == "insert-call" and change["call"] == "cache":
        # Both move the stage to another place in the chain.
        return "stage", place["file"], place["line"], place["position"]
    what = change.get("argument") or change.get("hook") or change.get("call") or ""
    return change["kind"], place["file"], place["line"], place["position"], change.get("index", -1), what
