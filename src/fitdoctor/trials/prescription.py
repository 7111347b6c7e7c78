"""The remedies that are best together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from fitdoctor.facts.facts import Facts
from fitdoctor.report.model import Prescription, Safety, Treatment
from fitdoctor.trials.finish import RACE
from fitdoctor.trials.outcomes import Outcome
from fitdoctor.trials.safety import worst
from fitdoctor.trials.savings import effect_of, whole_run


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An arm whose saving is verified, with what to write in the source."""

    outcome: Outcome
    how: str


def prescribe_both(
    facts: Facts, candidates: Sequence[Candidate], outcomes: Sequence[Outcome]
) -> tuple[Prescription | None, Prescription | None]:
    """The best that leaves the training as it is, and beside it the best that changes it and won its races.

    The two are never mixed. Where only the second is there, it is the prescription.
    """
    raced = [candidate for candidate in candidates if candidate.outcome.arm.unit == RACE]
    kept = prescribe(facts, [candidate for candidate in candidates if candidate not in raced], outcomes)
    changed = prescribe(facts, raced, outcomes)
    return (kept, changed) if kept is not None else (changed, None)


def prescribe(facts: Facts, candidates: Sequence[Candidate], outcomes: Iterable[Outcome]) -> Prescription | None:
    """Chooses for each unit what was measured to be best, and projects the units together.

    At one unit only what was measured together counts together: two remedies of a step may save the same time.
    Different units take different time, so their savings add up in the projection.
    """
    combined = [outcome for outcome in outcomes if outcome.arm.role == "prescription" and outcome.helps]

    def unit(candidate: Candidate) -> tuple[str, int, str]:
        return candidate.outcome.target, candidate.outcome.index, candidate.outcome.arm.unit

    chosen: list[tuple[Outcome, list[Candidate]]] = []
    for key, group in groupby(sorted(candidates, key=unit), key=unit):
        # By the whole run and not by the unit: the fastest step may cost more beforehand than it saves.
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
    effects = [effect for outcome, _ in chosen if (effect := effect_of(facts, outcome)) is not None]
    speedup = whole_run(facts, effects)
    members = [member for _, parts in chosen for member in parts]
    return Prescription(
        remedies=tuple(dict.fromkeys(member.outcome.arm.remedy for member in members)),
        safety=_safety(outcome for outcome, _ in chosen),
        speedup=speedup,
        projected_s=facts.total_s / speedup.mid,
        measured_together=len(chosen) == 1,
        how=tuple(dict.fromkeys(member.how for member in members if member.how)),
        treatments=tuple(_treatment(facts, outcome) for outcome, _ in chosen),
    )


def _apart(chosen: list[tuple[Outcome, list[Candidate]]]) -> list[tuple[Outcome, list[Candidate]]]:
    """The choices without those that save the same time as a better one: an epoch holds the steps of its fit."""
    kept: list[tuple[Outcome, list[Candidate]]] = []
    for item in chosen:
        units = {(other.target, other.index, other.arm.unit) for other, _ in kept}
        outcome = item[0]
        rival = {"step": "epoch", "epoch": "step"}.get(outcome.arm.unit)
        if (outcome.target, outcome.index, rival) not in units:
            kept.append(item)
    return kept


def _treatment(facts: Facts, outcome: Outcome) -> Treatment:
    """Where the changes of an arm are made."""
    if outcome.target == "loop":
        loop = facts.loops[outcome.index].record
        kind, site = loop.kind, loop.site
    else:
        kind, site = "fit", facts.fits[outcome.index].record.site
    return Treatment(kind=kind, file=site.file, line=site.line, changes=tuple(outcome.arm.changes))


def _is_superseded(facts: Facts, outcome: Outcome, others: Iterable[Outcome]) -> bool:
    """Whether a remedy of whole calls of a fit is better than what helps inside them, or the reverse: they take the same time."""
    rivals = [
        other
        for other in others
        if (other.target, other.index) == (outcome.target, outcome.index) and (other.arm.unit == "call") != (outcome.arm.unit == "call")
    ]
    return any(_alone(facts, rival) > _alone(facts, outcome) for rival in rivals)


def _alone(facts: Facts, outcome: Outcome) -> float:
    effect = effect_of(facts, outcome)
    return whole_run(facts, [effect]).mid if effect is not None else 0.0


def _safety(outcomes: Iterable[Outcome]) -> Safety:
    return worst([outcome.safety for outcome in outcomes])


def _contains(combined: Outcome, single: Outcome) -> bool:
    return all(change in combined.arm.changes for change in single.arm.changes)
