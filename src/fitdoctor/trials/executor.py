"""Who carries out the commands of a rehearsal: a child process, or this process itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol


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
    """Carries commands out here and now. A command can't be cut off: `timeout_s` is for those that wait for somebody else.

    Args:
        obey: What carries a command out.

    Example:
        >>> executor = InProcess(lambda command: obey(arms, command))
        >>> executor.ask({"do": "prepare", "arm": arm}, timeout_s=60)
    """

    def __init__(self, obey: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.began_s = time.monotonic()
        self.at = ""
        self._obey = obey

    def receive(self, timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        """The unit is where this was made."""
        return {"reached": True}

    def ask(self, command: dict[str, Any], timeout_s: float) -> dict[str, Any]:  # noqa: ARG002
        return self._obey(command)
