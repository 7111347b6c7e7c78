"""Says what is about to be run where a recording has a part in choosing it, and asks where the recording may be
somebody else's.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

import click

from fitdoctor.cli.say import say
from fitdoctor.errors import FitdoctorError

yes_option = click.option(
    "--yes",
    is_flag=True,
    help="Go on with a recording that was not made by you on this machine. What it would run is shown in any case.",
)
"""Adds `--yes` to a command, as its argument `yes`."""


def require_consent(
    recording: str, command: Sequence[str], *, folder: str, changes: Iterable[str] = (), is_own: bool, yes: bool
) -> None:
    """Shows what will be run: one line of our own recording, everything of another one.

    Args:
        recording: The run, as the user would type it.
        command: The interpreter, and what it is given.
        folder: Where it is run; empty where that is the current directory.
        changes: What is changed meanwhile, in words.
        is_own: Whether the user has made the recording on this machine.
        yes: Whether the user has agreed beforehand.

    Raises:
        FitdoctorError: The recording is not our own, and the user has not agreed.
    """
    if is_own:
        say(f"Runs {shlex.join(command)}{f' in {folder}' if folder else ''}, as recorded in {recording}.")
        return
    told = [
        f"run     {_shown(command)}",
        *([f"in      {folder}"] if folder else []),
        *(f"change  {change}" for change in changes),
    ]
    listed = "".join(f"\n  {each}" for each in told)
    if not yes:
        raise FitdoctorError(
            f"Received {recording}, which you have not recorded on this machine; expected a recording of your own, or --yes. "
            f"It would{listed}\nNothing was run. Look at it first; or diagnose the script itself."
        )
    say(f"{recording} was not recorded by you on this machine. By --yes it does:{listed}")


def _shown(command: Sequence[str]) -> str:
    """A command as a shell takes it; code stands as it is, which is easier to judge than with a shell's quotes."""
    if "-c" not in command[1:2]:
        return shlex.join(command)
    code = command[2].replace("\n", "\n          ")
    return f"{shlex.join(command[:2])} {code}" + (f"\n  with    {shlex.join(command[3:])}" if command[3:] else "")
