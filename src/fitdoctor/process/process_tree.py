"""Which processes this one has started, and those of theirs."""

from __future__ import annotations

import contextlib
import os


def parents() -> dict[int, int]:
    """The parent of each process."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                found[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    return found


def children() -> list[int]:
    """The processes whose parent this one is."""
    return [process for process, parent in parents().items() if parent == os.getpid()]


def descendants() -> set[int]:
    """The processes that this one, or another one of them, is the parent of."""
    known = parents()
    found, more = set[int](), {os.getpid()}
    while more:
        more = {process for process, parent in known.items() if parent in more} - found
        found |= more
    return found


def command_line(pid: int) -> str:
    """What a process was started as; empty for one that has ended."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/cmdline", "rb") as file:
        return " ".join(os.fsdecode(part) for part in file.read().split(b"\0") if part)
    return ""
