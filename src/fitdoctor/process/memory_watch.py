"""The memory of a child, watched from outside: it is ended before the machine or its container has none left."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from fitdoctor.wording import size

#: A process can fill some hundred megabytes in this time.
POLL_S = 0.2
#: Looking for what the child started means looking at every process of the machine.
SEARCH_S = 2.0
LEFT_SHARE = 0.05
LEFT_BYTES = 500 << 20
#: On a large machine 5 % would be more than any step takes at once.
MOST_LEFT_BYTES = 2 << 30

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")


class MemoryWatch:
    """Watches a process and what it started until `stop`.

    Args:
        process: The leader of a session of its own.
        end: Called once where memory runs out, before the system ends whatever it likes.

    Attributes:
        peak_bytes: The most that all of them held in memory at once; pages that two share count twice.
        why: The sentence that says why `end` was called, or "".
    """

    def __init__(self, process: int, end: Callable[[], None]) -> None:
        self.peak_bytes, self.why = 0, ""
        self._process, self._end = process, end
        self._members: tuple[int, ...] = (process,)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        found = left()
        if found is not None:
            # A machine that was short of memory before is not a fault of this child's.
            self._least = min(least(found[1]), found[0] // 2)
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ends the watching; what was seen stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        searched_s = 0.0
        while not self._stop.wait(POLL_S):
            now_s = time.monotonic()
            if now_s - searched_s > SEARCH_S:
                self._members, searched_s = (self._process, *_session(self._process)), now_s
            held = sum(map(_resident, self._members))
            self.peak_bytes = max(self.peak_bytes, held)
            found = left()
            if found is not None and found[0] < self._least and held > 0:
                self.why = (
                    f"memory: {size(held)} were held by it, and only {size(found[0])} of {size(found[1])} were left"
                )
                self._end()
                return


def can_be_watched() -> bool:
    """Whether this system tells how much memory is left."""
    return left() is not None


def least(total: int) -> int:
    """What must be left of so much memory: below it, a child is ended."""
    return min(max(int(LEFT_SHARE * total), LEFT_BYTES), MOST_LEFT_BYTES)


def left() -> tuple[int, int] | None:
    """What is left, and of how much, where that is least: on the machine, or in one of the groups that this process
    belongs to.

    None where the system does not say.
    """
    return min((pair for pair in (_machine(), *_groups()) if pair is not None), default=None)


def _machine() -> tuple[int, int] | None:
    fields = dict(line.split(":", 1) for line in _read(PROC / "meminfo").splitlines() if ":" in line)
    with suppress(KeyError, ValueError, IndexError):
        return int(fields["MemAvailable"].split()[0]) << 10, int(fields["MemTotal"].split()[0]) << 10
    return None


def _groups() -> Iterator[tuple[int, int] | None]:
    for line in _read(PROC / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        inside = [part for part in path.split("/") if part not in ("", "..")]
        for count in range(len(inside) + 1):
            if controllers == "":
                yield _group(GROUPS.joinpath(*inside[:count]), "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                folder = GROUPS.joinpath("memory", *inside[:count])
                yield _group(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _group(folder: Path, limit: str, usage: str, reclaimable: str) -> tuple[int, int] | None:
    most, used = _read(folder / limit).strip(), _read(folder / usage).strip()
    if (
        not most.isdecimal() or not used.isdecimal() or int(most) >= 1 << 60
    ):  # the first version writes a huge number for none
        return None
    # Files that were read and lie there are given up as soon as memory is needed.
    lines = (line.split() for line in _read(folder / "memory.stat").splitlines())
    cached = next((int(words[1]) for words in lines if words[:1] == [reclaimable]), 0)
    return max(0, int(most) - max(0, int(used) - cached)), int(most)


def _session(leader: int) -> Iterator[int]:
    """The processes of a session, its leader left out."""
    for folder in PROC.glob("[0-9]*"):
        fields = _read(folder / "stat").rpartition(")")[2].split()
        if len(fields) > 3 and fields[3] == str(leader) and folder.name != str(leader):
            yield int(folder.name)


def _resident(process: int) -> int:
    fields = _read(PROC / str(process) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
