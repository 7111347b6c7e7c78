"""Says what is about to be run where a recording has a part in choosing it, and asks where the recording may be
somebody else's.

It is shown as it is executed: nothing is dropped, and what can't be seen is written as in Python's source.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import click

from fitdoctor.cli.say import is_ascii, say
from fitdoctor.errors import FitdoctorError
from fitdoctor.exact import exact, is_plain
from fitdoctor.treating.offered import texts_of, with_place

MOST_EMPTY_LINES = 3
"""Of code, in a row, before they are counted."""

yes_option = click.option(
    "--yes",
    is_flag=True,
    help="Go on with a recording that was not made by you on this machine. What it would run is shown in any case.",
)
"""Adds `--yes` to a command, as its argument `yes`."""


def require_consent(
    recording: str,
    command: Sequence[str],
    *,
    folder: str,
    changes: Iterable[dict[str, Any]] = (),
    is_own: bool,
    yes: bool,
) -> None:
    """Shows what will be run: one line of our own recording, everything of another one.

    Args:
        recording: The run, as the user would type it.
        command: The interpreter, and what it is given.
        folder: Where it is run; empty where that is the current directory.
        changes: What is changed meanwhile, as data.
        is_own: Whether the user has made the recording on this machine.
        yes: Whether the user has agreed beforehand.

    Raises:
        FitdoctorError: The recording is not our own, and the user has not agreed, or nobody could judge it by what is
            shown.
    """
    recording = _exact(recording)
    if is_own:
        say(
            f"Runs {_exact(shlex.join(command))}{f' in {_exact(folder)}' if folder else ''}, as recorded in {recording}."
        )
        return
    changes = list(changes)
    told = [
        f"run     {_shown(command)}",
        *([f"in      {_exact(folder)}"] if folder else []),
        *(f"change  {_exact(with_place(change))}" for change in changes),
    ]
    listed = "".join(f"\n  {each}" for each in told)
    if not all(map(is_plain, _texts(command, folder, changes))):
        raise FitdoctorError(
            f"Received {recording}, which you have not recorded on this machine; expected no signs in it that can't be seen. "
            f"They are written out here, such as \\x1b. It would{listed}\n"
            "Nothing was run, and --yes does not change that. Diagnose the script itself."
        )
    if not yes:
        raise FitdoctorError(
            f"Received {recording}, which you have not recorded on this machine; expected a recording of your own, or --yes. "
            f"It would{listed}\nNothing was run. Look at it first; or diagnose the script itself."
        )
    say(f"{recording} was not recorded by you on this machine. By --yes it does:{listed}")


def _texts(command: Sequence[str], folder: str, changes: Iterable[dict[str, Any]]) -> Iterator[str]:
    """All that decides what is executed; of code, its lines."""
    for place, word in enumerate(command):
        yield from word.split("\n") if _is_code(command) and place == 2 else [word]
    yield folder
    for change in changes:
        yield from texts_of(change)


def _shown(command: Sequence[str]) -> str:
    """A command as a shell takes it; code stands as it is, which is easier to judge than with a shell's quotes."""
    if not _is_code(command):
        return _exact(shlex.join(command))
    code = "\n          ".join(_lines(command[2]))
    return f"{_exact(shlex.join(command[:2]))} {code}" + (
        f"\n  with    {_exact(shlex.join(command[3:]))}" if command[3:] else ""
    )


def _is_code(command: Sequence[str]) -> bool:
    return list(command[1:2]) == ["-c"]


def _lines(code: str) -> Iterator[str]:
    for empty, run in groupby(code.split("\n"), key=lambda line: not line.strip()):
        lines = list(run)
        if empty and len(lines) > MOST_EMPTY_LINES:
            yield f"[{len(lines)} empty lines]"
        else:
            yield from map(_exact, lines)


def _exact(text: str) -> str:
    return exact(text, ascii_only=is_ascii(sys.stderr))
