"""The stage that the recording of a diagnosis has reached."""

from __future__ import annotations

from fitdoctor.causes.registry import run_causes
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Run
from fitdoctor.report.model import ReportStage
from fitdoctor.trials.plan import plan


def stage_reached(run: Run) -> ReportStage:
    """Returns "final" once something was tried, or where a cost was measured and there is nothing to try.

    Example:
        >>> stage_reached(Run(scout=scout))
        'first answer'
    """
    if run.rehearsals:
        return "final"
    facts = Facts(run)
    measured = any(finding.measured and not finding.informative for finding in run_causes(facts)[0])
    return "final" if measured and not plan(facts) else "first answer"
