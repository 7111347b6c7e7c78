"""The result of a diagnosis: the one source of every rendering.

Its JSON Schema is published as `docs/report.schema.json`. The comments above the fields are its descriptions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from fitdoctor.report.results.basic import BACKENDS, Evidence, Interval, Location, ReportStage, Safety
from fitdoctor.report.results.causes import CauseResult, RemedyResult, TimeToTarget, Tried, Variant
from fitdoctor.report.results.prescription import Prescription, Treatment
from fitdoctor.report.results.system import GpuWindow, Stall, SystemSummary, SystemWindow
from fitdoctor.report.results.time_budget import Budget, Ceiling, Part
from fitdoctor.report.results.training import (
    CurvePoint,
    DataSummary,
    Environment,
    FitSummary,
    LayerLearning,
    Learning,
    LoopSummary,
    Training,
)

__all__ = [
    "BACKENDS",
    "SCHEMA_VERSION",
    "Budget",
    "CauseResult",
    "Ceiling",
    "CurvePoint",
    "DataSummary",
    "Environment",
    "Evidence",
    "FitSummary",
    "GpuWindow",
    "Interval",
    "LayerLearning",
    "Learning",
    "Location",
    "LoopSummary",
    "Part",
    "Prescription",
    "RemedyResult",
    "Report",
    "ReportStage",
    "Safety",
    "Stall",
    "SystemSummary",
    "SystemWindow",
    "TimeToTarget",
    "Training",
    "Treatment",
    "Tried",
    "Variant",
]

SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that a diagnosis found. Its fields are those of the published `report.json`."""

    schema_version: int
    # The version of fitdoctor.
    fitdoctor: str
    # The script, as it was given on the command line.
    script: str
    environment: Environment
    training: Training
    budget: Budget
    # A watched training is never "healthy": no fix was tried.
    verdict: Literal["causes", "healthy", "inconclusive"]
    # What the verdict rests on, in sentences.
    verdict_text: str
    ceilings: tuple[Ceiling, ...] = ()
    # The worst first.
    causes: tuple[CauseResult, ...] = ()
    tried: tuple[Tried, ...] = ()
    # What could not be measured or tried, and why.
    limits: tuple[str, ...] = ()
    prescription: Prescription | None = None
    # Remedies that change the training and won their races. They are offered beside a prescription that does not.
    alternative: Prescription | None = None
    # The files that the script changed; under a layer, those that it would have changed.
    changed_files: tuple[str, ...] = ()
    # What protected the user's files during the trials: a "layer" that took all writes, or the "guard" in Python, which
    # does not stop C libraries.
    protection: Literal["layer", "guard", ""] = ""
    # Why there was no layer.
    protection_note: str = ""
    # What the runs did that no file system holds back, in sentences: connections, and programs that they started.
    side_effects: tuple[str, ...] = ()
    # The folder of the recordings.
    run: str = ""
    stage: ReportStage = "final"
    # Whether `fitdoctor diagnose` can continue from this run.
    can_go_on: bool = False
    # The command that trains with the prescription, or "".
    treat: str = ""
    # Where the diagnosis, or the watched training, was interrupted; "" where it was not.
    interrupted: str = ""
    # The machine during the run that the report rests on.
    system: SystemSummary | None = None
    # How long the stages of the diagnosis took.
    seconds: dict[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        """The report as text, without colours."""
        from fitdoctor.report.text import render

        return render(self).strip("\n")

    def __repr__(self) -> str:
        """The text of the report, as a prompt shows it."""
        return str(self)

    def _repr_html_(self) -> str:
        """The text of the report, as a notebook shows it."""
        from html import escape

        return f"<pre>{escape(str(self))}</pre>"
