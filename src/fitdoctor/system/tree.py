"""Which processes belong to a training: its own, what it started, and what they started."""

from __future__ import annotations

import os
from pathlib import Path

from fitdoctor.proc_stat import PARENT, number_in
from fitdoctor.system.kept import number


class Tree:
    """The process and its descendants, as far as they are found before their parents end.

    Args:
        process: The root.
        proc: Where processes are listed.
    """

    def __init__(self, process: int, proc: Path) -> None:
        self._proc = proc
        self._known: set[int] = set()
        self.members: set[int] = {process}

    def search(self) -> None:
        """Looks at the processes that were not there the last time.

        Raises:
            OSError: There is no such list.
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
