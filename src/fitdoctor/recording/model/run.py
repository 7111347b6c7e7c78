"""All recordings of one diagnosis, of one watched training, or of one treated training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.recording.model.process import ProcessRecord, SideEffect
from fitdoctor.recording.model.trial import Rehearsal
from fitdoctor.recording.model.version import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A stage of a diagnosis."""

    # Its name: "scout", "start-up", "prepare", "windows", …
    name: str
    # When it begins, in seconds since the begin of the diagnosis.
    began_s: float
    # How long it takes.
    seconds: float


@dataclass(slots=True, kw_only=True)
class Treated:
    """The remedies that a training was run with, and the time that was promised for it."""

    # The run of the diagnosis that the changes come from.
    diagnosis: str = ""
    # The ids of the remedies.
    remedies: list[str] = field(default_factory=list)
    # The safety that was allowed.
    safety: str = "exact"
    # Seconds that were promised for the training.
    promised_s: float = 0.0
    # The lower end of the promise.
    promised_low_s: float = 0.0
    # The upper end of the promise.
    promised_high_s: float = 0.0
    # Seconds that were projected for the training without changes.
    plain_s: float = 0.0
    # Seconds that fitdoctor takes before the training begins. The promise does not hold them.
    own_s: float = 0.0
    # Whether the promise is the time to the same loss.
    to_target: bool = False
    # The call sites with their changes, as data.
    treatments: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Run:
    """Everything that `fitdoctor report RUN` analyses again without running anything.

    It has many fields because it is one object of the JSON format, whose names are fixed.
    """

    # The version of the format.
    version: int = VERSION
    # The version of fitdoctor.
    fitdoctor: str = ""
    # The script's path.
    script: str = ""
    # The script, the module or the code, as it was given.
    target: str = ""
    # The arguments of the script.
    argv: list[str] = field(default_factory=list)
    # How it is run: "script", "module" or "code".
    mode: str = "script"
    # The interpreter.
    python: str = ""
    # The working directory.
    cwd: str = ""
    # The date and time of the begin.
    started: str = ""
    # Seconds that were granted for trials.
    budget_s: float = 0.0
    # Seconds that the diagnosis took.
    spent_s: float = 0.0
    # The scout. None where only a whole training was watched.
    scout: ProcessRecord | None = None
    # The whole training, watched or treated. None where only a diagnosis ran.
    watched: ProcessRecord | None = None
    # What the whole training was treated with. None where it ran as written.
    treated: Treated | None = None
    # The rehearsals, in order.
    rehearsals: list[Rehearsal] = field(default_factory=list)
    # The stages of the diagnosis.
    stages: list[Stage] = field(default_factory=list)
    # Files of the user's that changed meanwhile.
    changed_files: list[str] = field(default_factory=list)
    # How the user's files were protected from the script's writes: by a "layer", by the "guard", or "" (not at all).
    protection: str = ""
    # Why there was no layer.
    protection_note: str = ""
    # What the runs of the script did outside of the file system.
    side_effects: list[SideEffect] = field(default_factory=list)
    # How often the script was run in part.
    tried_runs: int = 0
    # Whether those runs could connect to no other machine.
    offline: bool = False
    # Sentences: what could not be measured, and why.
    limits: list[str] = field(default_factory=list)
    # Whether everything of the user's is replaced by placeholders.
    bundled: bool = False
    # The stage in which the user ended the diagnosis: "scout", "trials" or "races".
    interrupted: str = ""
