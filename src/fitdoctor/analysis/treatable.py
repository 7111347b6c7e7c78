"""What `fitdoctor treat` may apply of a diagnosis, and how it is called for that."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from fitdoctor.analysis.analyse import Analysis
from fitdoctor.exact import is_plain
from fitdoctor.process.request import OPTIONS
from fitdoctor.recording.model import Run
from fitdoctor.report.model import Prescription, Safety
from fitdoctor.trials.prescription import prescribe_allowed
from fitdoctor.trials.safety import ORDER


def treatable(analysis: Analysis, allowed: Collection[Safety]) -> Prescription | None:
    """The best verified changes of these safeties, or None.

    Example:
        >>> treatable(analyse(run, "final"), {"exact"}).remedies
        ('prefetch',)
    """
    return prescribe_allowed(analysis.facts, analysis.candidates, analysis.outcomes, allowed)


def treat_command(run: Run, analysis: Analysis, prescription: Prescription | None) -> str:
    """The command that trains with a prescription, or an empty string where there is none, or nothing that could be run
    again.
    """
    if prescription is None or not run.python or run.bundled or run.mode not in OPTIONS:
        return ""
    if run.target.startswith(
        "-"
    ):  # only a recording that was made up has such a target, and it would be read as an option of ours
        return ""
    if not all(
        map(is_plain, (run.target, *run.argv))
    ):  # a report drops what can't be seen, so that the command would be another one
        return ""
    applied = treatable(analysis, ORDER[: ORDER.index(prescription.safety) + 1])
    if applied is None:
        return ""
    allow = [] if applied.safety == ORDER[0] else ["--allow", ",".join(ORDER[1 : ORDER.index(applied.safety) + 1])]
    return shlex.join(["fitdoctor", "treat", *allow, *OPTIONS[run.mode], run.target, *run.argv])
