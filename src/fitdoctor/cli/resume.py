"""What a recorded run says about the script that it was a run of, so that a diagnosis can go on from it."""

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
class Resumed:
    """The target of an earlier run, as the user gave it then and from where, and what was watched of it.

    `shown` is the run as a user would type it, and `is_own` whether they have recorded it on this machine.
    """

    target: str
    arguments: tuple[str, ...]
    mode: Mode
    python: str
    directory: Path
    watched: ProcessRecord | None
    shown: str
    is_own: bool


def is_run(target: str) -> bool:
    """Whether a target is the folder of a run, and no script.

    It may lie anywhere and be called as it likes: see `is_own`.
    """
    return is_regular(Path(target) / RUN_FILE)


def resumed(folder: str, arguments: tuple[str, ...]) -> Resumed:
    """Reads what a run was a run of.

    Args:
        folder: The run's folder.
        arguments: What was given behind it; a run has its own.

    Raises:
        FitdoctorError: The run can't be gone on from: its script is gone, or it does not say what was run.

    Example:
        >>> resumed(".fitdoctor/20260317-101502-train", ()).target
        'train.py'
    """
    if arguments:
        raise FitdoctorError(
            f"Received “{' '.join(arguments)}” behind the run {folder}; expected nothing there: it has the arguments of its script. "
            "Diagnose the script itself to give it others."
        )
    found = load_recording(Path(folder) / RUN_FILE)
    run = found.run
    _check(run, folder)
    return Resumed(
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
            f"Received {folder}, a run that does not say how its script was started; expected one of “fitdoctor watch” or "
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
            f"The run {folder} is of the script {os.path.join(run.cwd, run.target)}, which is gone. "  # noqa: PTH118 - as the user wrote it
            "Diagnose the script where it is now."
        )
