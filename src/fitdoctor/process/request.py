"""The request of `fitdoctor diagnose`, and the record that it begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import fitdoctor
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.model import ProcessRecord, Run
from fitdoctor.recording.run_roots import current_folder

Mode = Literal["script", "module", "code"]

# The options of `python` and of our commands for each mode.
OPTIONS: dict[str, list[str]] = {"script": [], "module": ["-m"], "code": ["-c"]}


# Variable that, set to 0, leaves files to the guard in Python: for a script that can't bear the scratch layer, and for
# tests.
LAYER_SWITCH = "FITDOCTOR_LAYER"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseRequest:
    """One call of `fitdoctor diagnose`, checked as far as possible without running anything.

    Attributes:
        target: The path of a script, the name of a module or code, as for `python`, `python -m` and `python -c`.
        arguments: The script's `sys.argv[1:]`, unchanged.
        mode: The kind of `target`.
        python: The interpreter of the children.
        budget_s: Seconds for the scout and trials, start-ups included.
        stdin: Whether children read a copy of our standard input. Else they read nothing.
        layered: Whether writes of children go to a scratch layer, where one is possible.
        race_budget_s: Seconds for races to the same validation loss, on top.
        allow_writes: Whether children may overwrite and delete the user's files.
        offline: Whether children may not connect to other machines.
        folder: The folder for recordings, the report and the log.
        watched: The recording of a whole training of the same script, if there is one.
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
    """The training that a command gets."""

    @property
    def target(self) -> str: ...
    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def mode(self) -> Mode: ...
    @property
    def python(self) -> str: ...


def new_run(training: Training, *, started: datetime | None = None, **known: Any) -> Run:
    """Returns the record of a training that begins now or began at `started`.

    `known` are further fields of the record.

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
