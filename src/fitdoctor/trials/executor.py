"""Who carries out the commands of a rehearsal: a child process, or this process itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from fitdoctor.errors import ChildEndedError
from fitdoctor.recording.error_text import headline

PREPARE_S = 120.0
WINDOW_TIMEOUT_S = 90.0
LATE_S = 15.0
"""How long a reply may come after the deadline: what had begun is worth its end, a hang is not worth a budget."""
FAILED = "Could not be tried: "


def failure(error: str) -> str:
    """What is told of an arm that could not be tried, in one sentence.

    Example:
        >>> failure("the script ended before it came to this place again")
        'Could not be tried: the script ended before it came to this place again.'
    """
    return f"{FAILED}{headline(error).rstrip('.')}."


class Reaches(Protocol):
    """Somebody on the way to the unit that is tried."""

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """Waits until the unit is reached."""


def wait_until_reached(executor: Reaches, timeout_s: float) -> None:
    """Waits until the script has come to the unit in question.

    Raises:
        ChildEndedError: It did not come there.
    """
    reply = executor.receive(timeout_s)
    if not reply.get("reached"):
        raise ChildEndedError(
            f"the script ended before it came to this place again ({headline(str(reply.get('ended')))})"
        )


def patience_s(longest_s: float, left_s: float) -> float:
    """How long to wait for a reply when so much is left of the budget, which is kept even where the script hangs."""
    return min(longest_s, max(0.0, left_s) + LATE_S)


class Executor(Protocol):
    """Stands at the unit that is tried and takes one command at a time."""

    began_s: float
    at: str
    """The id of the arm that it said last it would time, since it was asked; "" where it did not say."""

    def receive(self, timeout_s: float) -> dict[str, Any]:
        """Waits until the unit is reached."""

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Has a command carried out and gives its result."""


class InProcess:
    """Carries commands out here and now. A command can't be cut off: `timeout_s` is for those that wait for somebody
    else.

    Args:
        obey: What carries a command out.

    Example:
        >>> executor = InProcess(lambda command: obey(arms, command))
        >>> executor.ask({"do": "prepare", "arm": arm}, timeout_s=60)
    """

    def __init__(self, handle_command: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.began_s = time.monotonic()
        self.at = ""
        self._handle_command = handle_command

    def receive(self, timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        """The unit is where this was made."""
        return {"reached": True}

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        return self._handle_command(command)
