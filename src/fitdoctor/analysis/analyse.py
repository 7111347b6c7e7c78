"""The analysis of the recordings of a run. Reports and treatments are both made from it."""

from __future__ import annotations

from dataclasses import dataclass

from fitdoctor.analysis.causes import CauseDraft, draft_causes, is_symptom_of
from fitdoctor.analysis.verdict import Decision, decide
from fitdoctor.causes.registry import run_causes
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Run
from fitdoctor.report.model import ReportStage
from fitdoctor.trials.outcomes import Outcome, all_outcomes, measured_by
from fitdoctor.trials.prescription import Candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The causes of a run, the worst first, and the arms whose savings are verified."""

    facts: Facts
    outcomes: tuple[Outcome, ...]
    stage: ReportStage
    decision: Decision
    causes: tuple[CauseDraft, ...]
    candidates: tuple[Candidate, ...]
    problems: tuple[str, ...]


def analyse(run: Run, stage: ReportStage) -> Analysis:
    """Goes from recordings to causes and verified remedies.

    Raises:
        FitdoctorError: The run holds no recording of the script.

    Example:
        >>> [cause.result.id for cause in analyse(run, "final").causes]
        ['missing-prefetch']
    """
    outcomes = all_outcomes(run)
    facts = Facts(run, measured_by(outcomes))
    if facts.observed:
        stage = "watched"
    findings, problems = run_causes(facts)
    drafts, more = draft_causes(facts, findings, outcomes, stage)
    decision = decide(facts, drafts, outcomes, stage)
    kept = _roots_first(sorted(decision.causes, key=_rank))
    return Analysis(
        facts=facts,
        outcomes=outcomes,
        stage=stage,
        decision=decision,
        causes=tuple(kept),
        candidates=_distinct([candidate for draft in kept for candidate in draft.candidates]),
        problems=(*problems, *more),
    )


def _rank(draft: CauseDraft) -> tuple[bool, float, bool, float]:
    """Sorts by verified saving, then proven before suspected, then by cost. Informative causes are last."""
    suspected = not (draft.verified or draft.actionable)
    return draft.result.status == "informative", -draft.verified_saving_s, suspected, -draft.result.cost_s.mid


def _roots_first(ranked: list[CauseDraft]) -> list[CauseDraft]:
    """Moves a cause that may be the symptom of another one behind it, unless a remedy of its own is proven."""
    ordered = list(ranked)
    for draft in ranked:
        roots = [at for at, other in enumerate(ordered) if is_symptom_of(draft, other)]
        own = ordered.index(draft)
        if roots and own < roots[0]:
            ordered.insert(roots[0], ordered.pop(own))
    return ordered


def _distinct(candidates: list[Candidate]) -> tuple[Candidate, ...]:
    """Removes duplicates: an arm may treat several causes, and is prescribed once."""
    by_arm = {(item.outcome.target, item.outcome.index, item.outcome.arm.id): item for item in reversed(candidates)}
    return tuple(by_arm.values())
