"""Shows what a recording makes us run, and asks for consent where the recording may be somebody else's.

The command is shown exactly as it is run: nothing is left out, and invisible characters are escaped as in Python's
source.
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

# More empty lines of code in a row are shown as their number: they must not push code out of sight.
MOST_EMPTY_LINES = 3

# Adds `--yes` to a command, as its argument `yes`.
yes_option = click.option(
    "--yes",
    is_flag=True,
    help="Accept a recording that you did not make on this machine. What it runs is shown in any case.",
)


def require_consent(
    recording: str,
    command: Sequence[str],
    *,
    folder: str,
    changes: Iterable[dict[str, Any]] = (),
    is_own: bool,
    yes: bool,
) -> None:
    """Shows what will be run: one line for the user's own recording, all details for another one.

    Args:
        recording: The run, as the user would type it.
        command: The interpreter and its arguments.
        folder: Where it is run; empty for the current folder.
        changes: What is changed while it runs, as data.
        is_own: Whether the user made the recording on this machine.
        yes: Whether the user has agreed beforehand.

    Raises:
        FitdoctorError: The recording is not the user's own, and the user has not agreed, or it has invisible
            characters, so that nobody can judge it by what is shown.
    """
    recording = _exact(recording)
    if is_own:
        where = f" in {_exact(folder)}" if folder else ""
        say(f"Runs {_exact(shlex.join(command))}{where}, as recorded in {recording}.")
        return
    changes = list(changes)
    details = [
        f"run     {_shown(command)}",
        *([f"in      {_exact(folder)}"] if folder else []),
        *(f"change  {_exact(with_place(change))}" for change in changes),
    ]
    listed = "".join(f"\n  {each}" for each in details)
    if not all(map(is_plain, _texts(command, folder, changes))):
        raise FitdoctorError(
            f"Received {recording}, which you have not recorded on this machine; expected no signs in it that can't be "
            f"seen. They are written out here, such as \\x1b. It would{listed}\n"
            "Nothing was run, and --yes does not change that. Diagnose the script itself."
        )
    if not yes:
        raise FitdoctorError(
            f"Received {recording}, which you have not recorded on this machine; expected a recording of your own, "
            f"or --yes. It would{listed}\nNothing was run. Read this first, or diagnose the script itself."
        )
    say(f"{recording} was not recorded by you on this machine. Because of --yes it does:{listed}")


def _texts(command: Sequence[str], folder: str, changes: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Returns all texts that decide on what is run; of code, its lines."""
    for place, word in enumerate(command):
        yield from word.split("\n") if _is_code(command) and place == 2 else [word]
    yield folder
    for change in changes:
        yield from texts_of(change)


def _shown(command: Sequence[str]) -> str:
    """A command as it is typed in a shell. Code is shown without the quotes of a shell: it is easier to judge."""
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
