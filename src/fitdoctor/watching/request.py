"""What a user asked to be watched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fitdoctor.process.request import Mode
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.model import Treated


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """One call of `fitdoctor watch`, or of `fitdoctor treat`, which changes some calls meanwhile.

    Attributes:
        target: The script's path, the module's name or the code, as `python`, `python -m` and `python -c` take them.
        arguments: What the script gets as `sys.argv[1:]`, untouched.
        mode: Which of the three `target` is.
        python: The interpreter that it runs under.
        folder: Where the recording goes; None where there is no place for one.
        treated: What is changed, and what was promised for it; None where the training is only watched.
        environment: That of the diagnosis, with which the training must agree to be treated.
    """

    target: str
    arguments: tuple[str, ...]
    mode: Mode
    python: str
    folder: RunFolder | None
    treated: Treated | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
