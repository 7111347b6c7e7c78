"""Ctrl-C during a diagnosis, with the report of what was learned until then."""

from __future__ import annotations

from fitdoctor.errors import FitdoctorError
from fitdoctor.report.model import Report

# 128 + SIGINT, as shells report it.
INTERRUPTED_EXIT_CODE = 130


class DiagnosisInterruptedError(FitdoctorError):
    """The user ended the diagnosis.

    Args:
        report: The report of the recording so far; None if nothing was learned yet.
    """

    def __init__(self, report: Report | None = None) -> None:
        super().__init__("Interrupted.", exit_code=INTERRUPTED_EXIT_CODE)
        self.report = report
