"""The processes that this one started, and their own."""

from __future__ import annotations

import contextlib
import os

from fitdoctor.proc_stat import parent_of


def parents() -> dict[int, int]:
    """Returns the parent of each process."""
    known = ((pid, parent_of(pid)) for pid in map(int, filter(str.isdigit, os.listdir("/proc"))))
    return {pid: parent for pid, parent in known if parent is not None}


def children() -> list[int]:
    """Returns the processes whose parent is this one."""
    return [process for process, parent in parents().items() if parent == os.getpid()]


def descendants() -> set[int]:
    """Returns the children of this process, their children, and so on."""
    known = parents()
    found, more = set[int](), {os.getpid()}
    while more:
        more = {process for process, parent in known.items() if parent in more} - found
        found |= more
    return found


def command_line(pid: int) -> str:
    """Returns the command line of a process; "" if the process has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return " ".join(os.fsdecode(part) for part in file.read().split(b"\0") if part)
    return ""
