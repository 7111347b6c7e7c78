"""Turns the recordings of a run into its report, for a diagnosis and for `fitdoctor report` alike."""

from __future__ import annotations

from typing import Literal, cast

from fitdoctor.analysis.analyse import analyse
from fitdoctor.analysis.interrupted import interruption
from fitdoctor.analysis.limits import limits
from fitdoctor.analysis.places import with_relative_files
from fitdoctor.analysis.side_effects import side_effects
from fitdoctor.analysis.system import system
from fitdoctor.analysis.training import environment, training
from fitdoctor.analysis.treatable import treat_command
from fitdoctor.analysis.tried import tried
from fitdoctor.facts.budget import make_budget
from fitdoctor.facts.ceilings import make_ceilings
from fitdoctor.recording.model import Run
from fitdoctor.report.model import SCHEMA_VERSION, Report, ReportStage
from fitdoctor.trials.prescription import prescribe_both
from fitdoctor.trials.timeline import seconds_of

__all__ = ["build"]


def build(run: Run, *, stage: ReportStage = "final") -> Report:
    """Analyses a run. Nothing is run, so the same recordings give the same report.

    Args:
        run: All recordings of one diagnosis.
        stage: "first answer" before the trials: then every cost is an estimate. A watched training has its own stage,
            whatever this argument is.

    Raises:
        FitdoctorError: The run holds no recording of the script.

    Example:
        >>> build(run).verdict
        'causes'
    """
    analysis = analyse(run, stage)
    facts, outcomes, decision, stage = analysis.facts, analysis.outcomes, analysis.decision, analysis.stage
    prescription, alternative = prescribe_both(facts, analysis.candidates, outcomes)
    return Report(
        schema_version=SCHEMA_VERSION,
        fitdoctor=run.fitdoctor,
        script=run.script,
        environment=environment(facts),
        training=with_relative_files(run, training(facts)),
        budget=make_budget(facts),
        verdict=decision.verdict,
        verdict_text=decision.text,
        ceilings=make_ceilings(facts),
        causes=with_relative_files(run, tuple(draft.result for draft in analysis.causes)),
        tried=tried(outcomes),
        limits=limits(facts, analysis.problems),
        prescription=prescription,
        alternative=alternative,
        changed_files=tuple(run.changed_files),
        protection=cast("Literal['layer', 'guard', '']", run.protection),
        protection_note=run.protection_note,
        side_effects=side_effects(run),
        stage=stage,
        interrupted=interruption(facts),
        system=system(facts),
        can_go_on=bool(run.python) and not run.bundled and run.treated is None,
        treat=treat_command(run, analysis, prescription),
        seconds={
            "scout": run.scout.wall_s if run.scout else 0.0,
            "watched": run.watched.wall_s if run.watched else 0.0,
            "rehearsals": sum(rehearsal.wall_s for rehearsal in run.rehearsals),
            "spent": run.spent_s,
            "budget": run.budget_s,
            **{name.replace(" ", "_"): seconds for name, seconds in seconds_of(run.stages).items() if name != "scout"},
        },
    )
