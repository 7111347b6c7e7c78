"""The script of a recorded run, so that a diagnosis can continue from the run."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from fitdoctor.errors import FitdoctorError
from fitdoctor.process.request import Mode
from fitdoctor.recording.folder import RUN_FILE, RunFolder
from fitdoctor.recording.model import ProcessRecord, Run
from fitdoctor.recording.signature import load_recording
from fitdoctor.regular_files import is_regular


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRun:
    """An earlier run: its command, its folder, and its measurements."""

    target: str
    arguments: tuple[str, ...]
    mode: Mode
    python: str
    # Where the script was started.
    directory: Path
    # The measurements, where the run was a watched training.
    watched: ProcessRecord | None
    # The run as a user would type it.
    shown: str
    # Whether the user recorded it on this machine.
    is_own: bool


def is_run(target: str) -> bool:
    """Whether a target is the folder of a run, and not a script.

    The folder may have any name and place; `is_own` says whose it is.
    """
    return is_regular(Path(target) / RUN_FILE)


def earlier_run(folder: str, arguments: tuple[str, ...]) -> EarlierRun:
    """Reads the command of a run.

    Args:
        folder: The run's folder.
        arguments: The arguments behind it on the command line. None are allowed: the run has its own.

    Raises:
        FitdoctorError: The run can't be continued: its script is gone, or its command was not recorded.

    Example:
        >>> earlier_run(".fitdoctor/20260317-101502-train", ()).target
        'train.py'
    """
    if arguments:
        raise FitdoctorError(
            f"Received “{' '.join(arguments)}” behind the run {folder}; expected no arguments: the run has its own. "
            "To use others, diagnose the script itself."
        )
    found = load_recording(Path(folder) / RUN_FILE)
    run = found.run
    _check(run, folder)
    return EarlierRun(
        target=run.target,
        arguments=tuple(run.argv),
        mode=cast("Mode", run.mode),
        python=run.python,
        directory=Path(run.cwd),
        watched=run.watched if run.treated is None else None,
        shown=RunFolder(path=Path(os.path.realpath(folder))).shown,
        is_own=found.is_own,
    )


def _check(run: Run, folder: str) -> None:
    if run.bundled:
        raise FitdoctorError(f"Received {folder}, a bundle: the script is not in it. Diagnose the script itself.")
    if not (run.target and run.python and run.cwd) or run.mode not in get_args(Mode):
        raise FitdoctorError(
            f"Received {folder}, a run without the command of its script; expected one from “fitdoctor watch” or "
            "“fitdoctor diagnose”. Diagnose the script itself."
        )
    if run.mode == "script" and run.target.startswith(
        "-"
    ):  # made up: it would be shown, and taken, as an option of Python's
        raise FitdoctorError(
            f"Received {folder}, a run of the script “{run.target}”; expected a path that does not begin with “-”."
        )
    directory = Path(run.cwd)
    if not directory.is_dir():
        raise FitdoctorError(
            f"The run {folder} was made in {directory}, which is gone. Diagnose the script where it is now."
        )
    if run.mode == "script" and not (directory / run.target).is_file():
        raise FitdoctorError(
            f"The run {folder} is of the script {os.path.join(run.cwd, run.target)}, "  # noqa: PTH118 - as the user wrote it
            "which is gone. Diagnose the script where it is now."
        )
