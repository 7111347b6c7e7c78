"""What a user asked to be diagnosed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import fitdoctor
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.model import ProcessRecord, Run
from fitdoctor.recording.places import current_folder

Mode = Literal["script", "module", "code"]

#: How `python`, and so every command of ours, is told what its target is.
OPTIONS: dict[str, list[str]] = {"script": [], "module": ["-m"], "code": ["-c"]}


LAYER_SWITCH = "FITDOCTOR_LAYER"
"""Variable that, set to 0, leaves files to the guard in Python:

for a script that can't bear the scratch layer, and for tests.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseRequest:
    """One call of `fitdoctor diagnose`, checked as far as that goes without running anything.

    Attributes:
        target: The script's path, the module's name or the code, as `python`, `python -m` and `python -c` take them.
        arguments: What the script gets as `sys.argv[1:]`, untouched.
        mode: Which of the three `target` is.
        python: The interpreter that children run under.
        budget_s: How long scouting and trials may take, start-ups included.
        stdin: Whether children read a copy of our standard input; else they read nothing.
        layered: Whether what children write goes to a scratch layer, where there can be one.
        race_budget_s: How long races to the same validation loss may take beside it.
        allow_writes: Whether children may overwrite and delete the user's files.
        offline: Whether children may connect to no other machine.
        folder: Where recordings, the report and the log go.
        watched: What was seen of a whole training of the same script, where there was one.
    """

    target: str
    arguments: tuple[str, ...]
    mode: Mode
    python: str
    budget_s: float
    allow_writes: bool
    folder: RunFolder
    watched: ProcessRecord | None = None
    race_budget_s: float = 60.0
    offline: bool = False
    stdin: bool = False
    layered: bool = True


class Training(Protocol):
    """A training as a command of ours was given it."""

    @property
    def target(self) -> str: ...
    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def python(self) -> str: ...


def new_run(training: Training, *, started: datetime | None = None, **known: Any) -> Run:
    """The record of a training that begins now, or began at `started`, with what is known of it beside how it was
    given.

    Example:
        >>> new_run(request, budget_s=120.0).argv
        ['--epochs', '3']
    """
    return Run(
        fitdoctor=fitdoctor.__version__,
        script=training.target if training.mode != "code" else "-c",
        target=training.target,
        argv=list(training.arguments),
        mode=training.mode,
        python=training.python,
        cwd=str(current_folder() or ""),
        started=(started or datetime.now(UTC)).isoformat(timespec="seconds"),
        **known,
    )
