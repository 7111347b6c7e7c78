"""Chooses the prescription: the remedies that are best together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import prod

from fitdoctor.facts.facts import Facts
from fitdoctor.report.model import Interval, Prescription, Safety, Treatment
from fitdoctor.trial_units import Unit
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.safety import worst
from fitdoctor.trials.savings import effect_of, projected, whole_run

# If the parts together differ from their product by more than this, the report says so.
INTERACTION = 0.05
# Pairs of windows that a measurement of all parts together needs to replace those of the parts.
LEAST_ROUNDS = 3
# Arguments that make a callback write to another file.
RENAMES_FILES = frozenset({"save_weights_only"})
# Units that contain the steps of a fit. Remedies of two of them were not measured together.
OF_STEPS = frozenset({Unit.STEP, Unit.EPOCH, Unit.PROCESS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An arm with a verified saving, and the change to write into the source."""

    outcome: Outcome
    how: str


def prescribe_both(
    facts: Facts, candidates: Sequence[Candidate], outcomes: Sequence[Outcome]
) -> tuple[Prescription | None, Prescription | None]:
    """Returns the best prescription that keeps the training as it is, and the best that changes it and won its races.

    The two are never mixed. If only the second exists, it is the prescription.
    """
    raced = [candidate for candidate in candidates if candidate.outcome.arm.unit == Unit.RACE]
    kept = prescribe(facts, [candidate for candidate in candidates if candidate not in raced], outcomes)
    changed = prescribe(facts, raced, outcomes)
    return (kept, changed) if kept is not None else (changed, None)


def prescribe_allowed(
    facts: Facts, candidates: Sequence[Candidate], outcomes: Sequence[Outcome], allowed: Collection[Safety]
) -> Prescription | None:
    """Returns the best prescription that is safe enough and can be applied to a running training.

    If there are two, one that keeps the training as it is and one that won its races, the better one is taken. Remedies
    of the other one are added where they change other places: at one place the two were not measured together.
    """
    candidates = [each for each in candidates if _is_allowed(each.outcome, allowed)]
    outcomes = [outcome for outcome in outcomes if _is_allowed(outcome, allowed)]
    kept, changed = prescribe_both(facts, candidates, outcomes)
    if kept is None or changed is None:
        return kept
    races = changed.speedup.mid > kept.speedup.mid
    taken = {(each.kind, each.file, each.line) for each in (changed if races else kept).treatments}

    def is_chosen(candidate: Candidate) -> bool:
        place = _treatment(facts, candidate.outcome)
        return (candidate.outcome.arm.unit == Unit.RACE) == races or (place.kind, place.file, place.line) not in taken

    return prescribe(facts, [candidate for candidate in candidates if is_chosen(candidate)], outcomes)


def _is_allowed(outcome: Outcome, allowed: Collection[Safety]) -> bool:
    """Returns whether an arm is safe enough, and does not rename files that the script may read again."""
    return outcome.safety in allowed and not any(
        change.get("argument") in RENAMES_FILES for change in outcome.arm.changes
    )


def prescribe(facts: Facts, candidates: Sequence[Candidate], outcomes: Iterable[Outcome]) -> Prescription | None:
    """Chooses the best arm of each unit, and projects all chosen units together.

    Several remedies of one unit count only if they were measured together: they may save the same time. The savings of
    different units add up in the projection.
    """
    outcomes = list(outcomes)
    combined = [outcome for outcome in outcomes if outcome.arm.role == "prescription" and outcome.helps]

    def unit(candidate: Candidate) -> tuple[str, int, str]:
        return candidate.outcome.target, candidate.outcome.index, candidate.outcome.arm.unit

    chosen: list[tuple[Outcome, list[Candidate]]] = []
    for key, group in groupby(sorted(candidates, key=unit), key=unit):
        # Sorted by the whole run, not by the unit: the fastest step may cost more in one-offs than it saves.
        members = sorted(group, key=lambda candidate: -_alone(facts, candidate.outcome))
        together = [outcome for outcome in combined if (outcome.target, outcome.index, outcome.arm.unit) == key]
        best_together = max(together, key=lambda outcome: _alone(facts, outcome), default=None)
        if best_together is not None and _alone(facts, best_together) > _alone(facts, members[0].outcome):
            parts = [member for member in members if _contains(best_together, member.outcome)]
            chosen.append((best_together, parts or members[:1]))
        else:
            chosen.append((members[0].outcome, members[:1]))
    chosen = [item for item in chosen if not _is_superseded(facts, item[0], [other for other, _ in chosen])]
    if not chosen:
        return None
    chosen.sort(key=lambda item: -_alone(facts, item[0]))
    chosen = _apart(chosen)
    single = [outcome for outcome, _ in chosen]
    whole = _whole(single, outcomes)
    if whole is not None and whole.comparison.mid <= 1:
        # These remedies helped in windows, but not in a fresh process, so none of them is prescribed.
        others = [
            each for each in candidates if (each.outcome.target, each.outcome.index) != (whole.target, whole.index)
        ]
        return prescribe(facts, others, outcomes)
    rest = [
        outcome for outcome in single if whole is None or (outcome.target, outcome.index) != (whole.target, whole.index)
    ]
    speedup = _together(facts, [whole, *rest] if whole is not None else single)
    members = [member for _, parts in chosen for member in parts]
    return Prescription(
        remedies=tuple(dict.fromkeys(member.outcome.arm.remedy for member in members)),
        safety=_safety(outcome for outcome, _ in chosen),
        speedup=speedup,
        projected_s=facts.total_s / speedup.mid,
        projected=projected(facts, speedup),
        measured_together=not rest if whole is not None else len(chosen) == 1,
        measured_in="fresh process" if whole is not None and not rest else "same process" if len(chosen) == 1 else "",
        interaction=_interaction(facts, chosen, whole, rest),
        how=tuple(dict.fromkeys(member.how for member in members if member.how)),
        treatments=tuple(_treatment(facts, outcome) for outcome, _ in chosen),
    )


def _whole(chosen: Sequence[Outcome], outcomes: Iterable[Outcome]) -> Outcome | None:
    """Returns the measurement of all chosen remedies of a fit in a process of its own."""
    for outcome in outcomes:
        if (
            outcome.arm.unit != Unit.WHOLE
            or outcome.arm.failed
            or outcome.arm.doubt
            or outcome.comparison.n < LEAST_ROUNDS
        ):
            continue
        own = [other for other in chosen if (other.target, other.index) == (outcome.target, outcome.index)]
        if own and [change for other in own for change in other.arm.changes] == outcome.arm.changes:
            return outcome
    return None


def _together(facts: Facts, outcomes: Iterable[Outcome]) -> Interval:
    return whole_run(facts, [effect for outcome in outcomes if (effect := effect_of(facts, outcome)) is not None])


def _interaction(
    facts: Facts, chosen: Sequence[tuple[Outcome, Sequence[Candidate]]], whole: Outcome | None, rest: Sequence[Outcome]
) -> str:
    """Compares the product of the parts with their measurement together; "" if they are close."""
    if whole is not None:
        count = sum(len(parts) for outcome, parts in chosen if outcome not in rest)
        expected, found = _together(facts, [outcome for outcome, _ in chosen]).mid, _together(facts, [whole, *rest]).mid
        what = "of the whole run"
    else:
        outcome, parts = chosen[0]
        count, found, what = len(parts), outcome.comparison.mid, "of a step"
        expected = prod(part.outcome.comparison.mid for part in parts)
    if abs(found / expected - 1) <= INTERACTION:
        return ""
    if count < 2:
        return f"In separate trials {expected:.2f}× {what}, in a fresh process {found:.2f}×."
    return f"Expected from each on its own: {expected:.2f}× {what}. Measured together: {found:.2f}×."


def _apart(chosen: list[tuple[Outcome, list[Candidate]]]) -> list[tuple[Outcome, list[Candidate]]]:
    """Drops choices that save the same time as a better one: an epoch or a process contains the steps of its fit."""
    kept: list[tuple[Outcome, list[Candidate]]] = []
    for item in chosen:
        units = {(other.target, other.index, other.arm.unit) for other, _ in kept}
        outcome = item[0]
        rivals = OF_STEPS - {outcome.arm.unit} if outcome.arm.unit in OF_STEPS else ()
        if not any((outcome.target, outcome.index, rival) in units for rival in rivals):
            kept.append(item)
    return kept


def _treatment(facts: Facts, outcome: Outcome) -> Treatment:
    """Returns the changes of an arm with their place."""
    if outcome.target == "loop":
        loop = facts.loops[outcome.index].record
        kind, site = loop.kind, loop.site
    else:
        kind, site = "fit", facts.fits[outcome.index].record.site
    return Treatment(kind=kind, file=site.file, line=site.line, changes=tuple(outcome.arm.changes))


def _is_superseded(facts: Facts, outcome: Outcome, others: Iterable[Outcome]) -> bool:
    """Returns whether a better arm saves the same time: one of whole calls of a fit, or one inside these calls."""
    rivals = [
        other
        for other in others
        if (other.target, other.index) == (outcome.target, outcome.index)
        and (other.arm.unit == Unit.CALL) != (outcome.arm.unit == Unit.CALL)
    ]
    return any(_alone(facts, rival) > _alone(facts, outcome) for rival in rivals)


def _alone(facts: Facts, outcome: Outcome) -> float:
    effect = effect_of(facts, outcome)
    return whole_run(facts, [effect]).mid if effect is not None else 0.0


def _safety(outcomes: Iterable[Outcome]) -> Safety:
    return worst([outcome.safety for outcome in outcomes])


def _contains(combined: Outcome, single: Outcome) -> bool:
    return all(change in combined.arm.changes for change in single.arm.changes)
