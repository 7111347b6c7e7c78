"""The request of `fitdoctor watch` and `fitdoctor treat`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fitdoctor.process.request import Mode
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.model import Treated


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """One call of `fitdoctor watch`, or of `fitdoctor treat`, which also changes some calls.

    Attributes:
        target: The path of a script, the name of a module or code, as for `python`, `python -m` and `python -c`.
        arguments: The script's `sys.argv[1:]`, unchanged.
        mode: The kind of `target`.
        python: The interpreter of the script.
        folder: The folder for the recording; None if there is no place for one.
        treated: The changes and what they promise; None if the training is only watched.
        environment: The environment of the diagnosis. A treated training must have the same.
    """

    target: str
    arguments: tuple[str, ...]
    mode: Mode
    python: str
    folder: RunFolder | None
    treated: Treated | None = None
    environment: Mapping[str, Any] = field(default_factory=dict)
