"""The processes of a training: its own and all descendants."""

from __future__ import annotations

import os
from pathlib import Path

from fitdoctor.system.kernel_files import number

# The index of the parent in /proc/PID/stat, counted after the name.
PARENT = 1


class ProcessTree:
    """A process and its descendants. A descendant is found only if its parent still runs.

    Args:
        process: The root.
        proc: The folder that lists processes.
    """

    def __init__(self, process: int, proc: Path) -> None:
        self._proc = proc
        self._known: set[int] = set()
        self.members: set[int] = {process}

    def search(self) -> None:
        """Adds the new descendants, and removes the ended ones.

        Raises:
            OSError: The folder can't be read.
        """
        there = {found for entry in os.scandir(self._proc) if (found := number(entry.name)) is not None}
        parents = {process: self._parent(process) for process in there - self._known}
        self._known = there
        self.members &= there
        while more := {process for process, parent in parents.items() if parent in self.members} - self.members:
            self.members |= more

    def _parent(self, process: int) -> int | None:
        try:
            return parent((self._proc / str(process) / "stat").read_bytes())
        except OSError:
            return None


def after_name(data: bytes) -> list[bytes]:
    """The fields of /proc/PID/stat after the name, which may hold any character."""
    return data.rpartition(b")")[2].split()


def parent(data: bytes) -> int | None:
    """The parent process in the data of /proc/PID/stat.

    Example:
        >>> parent(b"12 (a) b) S 7 12 12 0 -1")
        7
    """
    fields = after_name(data)
    return number(fields[PARENT]) if len(fields) > PARENT else None
