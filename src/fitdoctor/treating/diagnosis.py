"""Finds the diagnosis of a training, and refuses it if the training has changed."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from fitdoctor.errors import FitdoctorError
from fitdoctor.process.request import OPTIONS, Mode
from fitdoctor.recording.digest import hash_of
from fitdoctor.recording.folder import resolve, stored, usual_root
from fitdoctor.recording.model import Run
from fitdoctor.recording.signature import Recording, load_recording


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The training that the user wants: a script, a module or code, and its arguments."""

    target: str
    mode: Mode
    arguments: tuple[str, ...]

    @property
    def shown(self) -> str:
        """The target and arguments as one types them after a command."""
        return shlex.join([*OPTIONS[self.mode], self.target, *self.arguments])


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """A diagnosis, its folder as the user types it, and whether the user made it on this machine."""

    run: Run
    shown: str
    is_own: bool = True


def find(target: Target, name: str | None) -> Diagnosis:
    """Finds the diagnosis with a name, or the latest of this script, if possible with the same arguments.

    Diagnoses that the user did not make on this machine come last, so that they never replace an own one.

    Raises:
        FitdoctorError: There is none, or it belongs to another script.

    Example:
        >>> find(Target(target="train.py", mode="script", arguments=()), None).shown
        '.fitdoctor/20260317-101502-train'
    """
    if name is not None:
        folder = resolve(name)
        found = load_recording(folder.run_file)
        run = found.run
        if run.bundled or run.scout is None:
            what = "a bundle, which has no script" if run.bundled else "a run in which nothing was diagnosed"
            raise FitdoctorError(
                f"Received “--run {name}”, {what}; expected one that “fitdoctor diagnose {target.shown}” made."
            )
        if not _is_of(run, target):
            raise FitdoctorError(
                f"Received “--run {name}”, a diagnosis of {run.script}; expected one of {target.target}. "
                "Leave --run out to take the latest of this script."
            )
        return Diagnosis(run=run, shown=folder.shown, is_own=found.is_own)
    others: list[Diagnosis] = []
    for shown, each in _diagnoses():  # read from disk one by one
        if _is_of(each.run, target):
            diagnosis = Diagnosis(run=each.run, shown=shown, is_own=each.is_own)
            if each.is_own and _is_with(diagnosis, target):
                return diagnosis
            others.append(diagnosis)
    if others:  # `max` returns the first of equals, which is the latest
        return max(others, key=lambda other: (other.is_own, _is_with(other, target)))
    raise FitdoctorError(
        f"Received {target.target}, of which there is no diagnosis in {usual_root()}; expected one to take the changes "
        f"from. Make it with “fitdoctor diagnose {target.shown}”, or name one with --run."
    )


def _diagnoses() -> Iterator[tuple[str, Recording]]:
    """Yields the readable diagnoses, the newest first."""
    for folder in stored():
        try:
            found = load_recording(folder.run_file)
        except FitdoctorError:
            continue
        if found.run.scout is not None and found.run.treated is None and not found.run.bundled:
            yield folder.shown, found


def _is_with(diagnosis: Diagnosis, target: Target) -> bool:
    return tuple(diagnosis.run.argv) == target.arguments


def _is_of(run: Run, target: Target) -> bool:
    if run.mode != target.mode:
        return False
    if run.mode == "script" and "\0" not in run.cwd + run.target:
        recorded = os.path.join(run.cwd, run.target)  # noqa: PTH118 - as it was written
        return os.path.realpath(recorded) == os.path.realpath(target.target)
    return run.target == target.target


def check_arguments(diagnosis: Diagnosis, target: Target) -> None:
    """Checks that the diagnosis has the same arguments, and recorded the source. Reads no file.

    Raises:
        FitdoctorError: The arguments differ, or the diagnosis did not record the source.
    """
    run = diagnosis.run
    again = _again(target)
    if tuple(run.argv) != target.arguments:
        given, expected = (shlex.join(arguments) or "no arguments" for arguments in (target.arguments, run.argv))
        raise FitdoctorError(
            f"Received {target.target} with {given}; expected {expected}, as for {diagnosis.shown}. {again}"
        )
    sources = run.scout.sources if run.scout is not None else {}
    if run.mode != "code" and not sources:
        raise FitdoctorError(
            f"Received {diagnosis.shown}, which did not record the source; expected a diagnosis by this version of "
            f"fitdoctor. {again}"
        )


def check_unchanged(diagnosis: Diagnosis, target: Target) -> None:
    """Checks that the source is unchanged. It reads files that the recording names, so the user must agree first.

    Raises:
        FitdoctorError: The source changed, or can't be read.
    """
    sources = diagnosis.run.scout.sources if diagnosis.run.scout is not None else {}
    changed = [file for file, digest in sources.items() if not digest or hash_of(file) != digest]
    if changed:
        names = ", ".join(os.path.relpath(file) for file in changed)
        raise FitdoctorError(
            f"Received {names}, changed since {diagnosis.shown}; expected the diagnosed source, because changes are "
            f"made at its lines. {_again(target)}"
        )


def _again(target: Target) -> str:
    return f"Diagnose it again: “fitdoctor diagnose {target.shown}”."
