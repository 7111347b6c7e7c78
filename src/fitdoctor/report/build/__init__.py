"""Turns the recordings of a run into its report: the one way there is, for a diagnosis and for `fitdoctor report`."""

from __future__ import annotations

from fitdoctor.causes.registry import run_causes
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Run
from fitdoctor.report.build.causes import CauseDraft, draft_causes
from fitdoctor.report.build.interrupted import interrupted
from fitdoctor.report.build.limits import limits
from fitdoctor.report.build.places import relative
from fitdoctor.report.build.training import environment, training
from fitdoctor.report.build.tried import tried
from fitdoctor.report.build.verdict import decide
from fitdoctor.report.model import SCHEMA_VERSION, Report
from fitdoctor.trials.outcomes import all_outcomes, measured_by
from fitdoctor.trials.prescription import Candidate, prescribe_both
from fitdoctor.trials.stage import Stage

__all__ = ["build"]


def build(run: Run, *, stage: Stage = "final") -> Report:
    """Analyses a run. Nothing is run again, so the same recordings give the same report.

    Args:
        run: All recordings of one diagnosis.
        stage: "first answer" before anything was tried: then every cost is an estimate. A run that was only watched has a stage
            of its own, whatever is given here.

    Raises:
        FitdoctorError: The run holds no recording of the script.

    Example:
        >>> build(run).verdict
        'causes'
    """
    outcomes = all_outcomes(run)
    facts = Facts(run, measured_by(outcomes))
    if facts.observed:
        stage = "watched"
    findings, problems = run_causes(facts)
    drafts, more = draft_causes(facts, findings, outcomes, stage)
    decision = decide(facts, drafts, outcomes, stage)
    kept = sorted(decision.causes, key=_rank)
    candidates = [candidate for draft in kept for candidate in draft.candidates]
    prescription, alternative = prescribe_both(facts, _distinct(candidates), outcomes)
    return Report(
        schema_version=SCHEMA_VERSION,
        fitdoctor=run.fitdoctor,
        script=run.script,
        environment=environment(facts),
        training=relative(run, training(facts)),
        budget=facts.budget,
        verdict=decision.verdict,
        verdict_text=decision.text,
        ceilings=facts.ceilings,
        causes=relative(run, tuple(draft.result for draft in kept)),
        tried=tried(outcomes),
        limits=limits(facts, [*problems, *more]),
        prescription=prescription,
        alternative=alternative,
        changed_files=tuple(run.changed_files),
        stage=stage,
        interrupted=interrupted(facts),
        can_go_on=bool(run.python) and not run.bundled,
        seconds={
            "scout": run.scout.wall_s if run.scout else 0.0,
            "watched": run.watched.wall_s if run.watched else 0.0,
            "rehearsals": sum(rehearsal.wall_s for rehearsal in run.rehearsals),
            "spent": run.spent_s,
            "budget": run.budget_s,
        },
    )


def _rank(draft: CauseDraft) -> tuple[bool, float, bool, float]:
    """What saves most first, then what costs most, the proven before the suspected; what is only information last."""
    suspected = not (draft.verified or draft.actionable)
    return draft.result.status == "informative", -draft.verified_saving_s, suspected, -draft.result.cost_s.mid


def _distinct(candidates: list[Candidate]) -> list[Candidate]:
    """One arm may treat several causes: it is prescribed once."""
    by_arm = {(item.outcome.target, item.outcome.index, item.outcome.arm.id): item for item in reversed(candidates)}
    return list(by_arm.values())
