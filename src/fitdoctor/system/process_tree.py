"""The processes of a training: its own and all descendants."""

from __future__ import annotations

import os
from pathlib import Path

from fitdoctor.proc_stat import PARENT, number_in
from fitdoctor.system.kernel_files import number


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
            return number_in((self._proc / str(process) / "stat").read_bytes(), PARENT)
        except OSError:
            return None
