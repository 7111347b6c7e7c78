"""Ctrl-C during a diagnosis, with what was learned until then."""

from __future__ import annotations

from fitdoctor.errors import FitdoctorError
from fitdoctor.report.model import Report

INTERRUPTED_EXIT_CODE = 130
"""128 + SIGINT, as shells report it."""


class DiagnosisInterruptedError(FitdoctorError):
    """The user ended the diagnosis.

    Args:
        report: What the recordings give so far, or None where nothing was learned yet.
    """

    def __init__(self, report: Report | None = None) -> None:
        super().__init__("Interrupted.", exit_code=INTERRUPTED_EXIT_CODE)
        self.report = report
