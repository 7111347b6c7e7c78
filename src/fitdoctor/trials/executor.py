"""Carries out the commands of a rehearsal: a child process, or this process itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from fitdoctor.errors import ChildEndedError
from fitdoctor.recording.error_text import headline
from fitdoctor.recording.trial_protocol import Arrival, Command, Failed, read_arrival, to_data

R = TypeVar("R")

# Called with a few words on what is being tried.
ProgressCallback = Callable[[str], None]

PREPARE_S = 120.0
WINDOW_TIMEOUT_S = 90.0
# A reply may come so long after the deadline. What has begun is worth its end, a hang is not worth a budget.
LATE_S = 15.0
FAILED = "Could not be tried: "


def failure(error: str) -> str:
    """One sentence on an arm that could not be tried.

    Example:
        >>> failure("the script ended before it came to this place again")
        'Could not be tried: the script ended before it came to this place again.'
    """
    return f"{FAILED}{headline(error).rstrip('.')}."


class Arriving(Protocol):
    """A process on the way to the unit that is tried."""

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """Waits until the unit is reached."""


class Answering(Protocol):
    """A process that takes commands."""

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Sends a command as data, and returns its reply."""


class Executor(Arriving, Answering, Protocol):
    """A process at the unit that is tried. It takes one command at a time.

    Attributes:
        began_s: `time.monotonic()` at its start.
        at: The id of the arm that it timed last since the last command; "" where it did not say.
    """

    began_s: float
    at: str


def wait_until_reached(process: Arriving, timeout_s: float) -> None:
    """Waits until the script reaches the unit that is tried.

    Raises:
        ChildEndedError: It did not reach it.
    """
    arrival = read_arrival(process.receive(timeout_s))
    if not arrival.reached:
        raise ChildEndedError(f"the script ended before it came to this place again ({headline(arrival.ended)})")


def carry_out(process: Answering, command: Command[R], timeout_s: float) -> R | Failed:
    """Sends a command and returns its reply.

    Raises:
        ChildEndedError: The process ended, or did not answer in time.
    """
    data = process.ask(command.to_data(), timeout_s)
    try:
        return command.read_reply(data)
    except ValueError as error:  # the script can write to every descriptor of its process
        raise ChildEndedError("it answered with something else than a reply") from error


def patience_s(longest_s: float, left_s: float) -> float:
    """How long to wait for a reply with `left_s` left of the budget. The budget is kept where the script hangs."""
    return min(longest_s, max(0.0, left_s) + LATE_S)


class InProcess:
    """Carries out commands in this process, at once.

    A command can't be cut off, so `timeout_s` has no effect.

    Args:
        handle_command: Carries out a command and gives its reply, both as data.

    Example:
        >>> executor = InProcess(lambda command: to_data(handle_command(read_command(command), arms)))
        >>> carry_out(executor, Prepare(arm=arm), timeout_s=60)
    """

    def __init__(self, handle_command: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.began_s = time.monotonic()
        self.at = ""
        self._handle_command = handle_command

    def receive(self, timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        """Returns at once: the unit is reached already."""
        return to_data(Arrival(reached=True))

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        """Carries out the command."""
        return self._handle_command(command)
