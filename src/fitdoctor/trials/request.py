"""What a user asked to be diagnosed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.model import Scout

Mode = Literal["script", "module", "code"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiagnoseRequest:
    """One call of `fitdoctor diagnose`, checked as far as that goes without running anything.

    Attributes:
        target: The script's path, the module's name or the code, as `python`, `python -m` and `python -c` take them.
        arguments: What the script gets as `sys.argv[1:]`, untouched.
        mode: Which of the three `target` is.
        python: The interpreter that children run under.
        budget_s: How long scouting and trials may take, start-ups included.
        race_budget_s: How long races to the same validation loss may take beside it.
        allow_writes: Whether children may overwrite and delete the user's files.
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
    watched: Scout | None = None
    race_budget_s: float = 60.0
