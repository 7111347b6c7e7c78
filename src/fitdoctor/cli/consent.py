"""Shows what a recording makes us run, and asks for consent where the recording may be somebody else's."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

import click

from fitdoctor.cli.say import say
from fitdoctor.errors import FitdoctorError

# Adds `--yes` to a command, as its argument `yes`.
yes_option = click.option(
    "--yes",
    is_flag=True,
    help="Accept a recording that you did not make on this machine. What it runs is shown in any case.",
)


def require_consent(
    recording: str, command: Sequence[str], *, folder: str, changes: Iterable[str] = (), is_own: bool, yes: bool
) -> None:
    """Shows what will be run: one line for the user's own recording, all details for another one.

    Args:
        recording: The run, as the user would type it.
        command: The interpreter and its arguments.
        folder: Where it is run; empty for the current folder.
        changes: What is changed while it runs, in words.
        is_own: Whether the user made the recording on this machine.
        yes: Whether the user has agreed beforehand.

    Raises:
        FitdoctorError: The recording is not the user's own, and the user has not agreed.
    """
    if is_own:
        say(f"Runs {shlex.join(command)}{f' in {folder}' if folder else ''}, as recorded in {recording}.")
        return
    details = [
        f"run     {_shown(command)}",
        *([f"in      {folder}"] if folder else []),
        *(f"change  {change}" for change in changes),
    ]
    listed = "".join(f"\n  {each}" for each in details)
    if not yes:
        raise FitdoctorError(
            f"Received {recording}, which you have not recorded on this machine; expected a recording of your own, "
            f"or --yes. It would{listed}\nNothing was run. Read this first, or diagnose the script itself."
        )
    say(f"{recording} was not recorded by you on this machine. Because of --yes it does:{listed}")


def _shown(command: Sequence[str]) -> str:
    """A command as it is typed in a shell. Code is shown without the quotes of a shell: it is easier to judge."""
    if "-c" not in command[1:2]:
        return shlex.join(command)
    code = command[2].replace("\n", "\n          ")
    return f"{shlex.join(command[:2])} {code}" + (f"\n  with    {shlex.join(command[3:])}" if command[3:] else "")
