"""What a user asked to be watched."""

from __future__ import annotations

from dataclasses import dataclass

from fitdoctor.recording.folder import RunFolder
from fitdoctor.trials.request import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchRequest:
    """One call of `fitdoctor watch`.

    Attributes:
        target: The script's path, the module's name or the code, as `python`, `python -m` and `python -c` take them.
        arguments: What the script gets as `sys.argv[1:]`, untouched.
        mode: Which of the three `target` is.
        python: The interpreter that it runs under.
        folder: Where the recording goes; None where there is no place for one.
    """

    target: str
    arguments: tuple[str, ...]
    mode: Mode
    python: str
    folder: RunFolder | None
