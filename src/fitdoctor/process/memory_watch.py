"""Watches the memory of a child, and ends the child before the machine or its container runs out of memory."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from fitdoctor.proc_stat import SESSION, number_in

# A process can fill some hundred megabytes in this time.
POLL_S = 0.2
# A search for the child's own children reads every process of the machine, so it is done more rarely.
SEARCH_S = 2.0
# A child is ended when less than this share of the memory is available, but within the two bounds below it.
RESERVED_SHARE = 0.05
LEAST_RESERVED_BYTES = 500 << 20
# On a large machine 5 % is more than any step takes at once.
MOST_RESERVED_BYTES = 2 << 30
# Version 1 of control groups writes a huge number where there is no limit.
NO_LIMIT_BYTES = 1 << 60

PROC = Path("/proc")
GROUPS = Path("/sys/fs/cgroup")


class MemoryWatch:
    """Watches a process and its session in a thread until `stop`.

    Args:
        process: The leader of a session of its own.
        end: Called once when memory runs out, before the kernel picks a process to kill.

    Attributes:
        peak_bytes: The most memory that all of them held at once. Pages that two processes share count twice.
        why: The sentence that says why `end` was called, or "".
    """

    def __init__(self, process: int, end: Callable[[], None]) -> None:
        self.peak_bytes, self.why = 0, ""
        self._process, self._end = process, end
        self._members: tuple[int, ...] = (process,)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        found = available_memory()
        if found is not None:
            available, total = found
            # A machine that was short of memory before is no fault of this child.
            self._least_available = min(reserved_bytes(total), available // 2)
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Stops watching. The attributes stay."""
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
            held = sum(map(_resident_bytes, self._members))
            self.peak_bytes = max(self.peak_bytes, held)
            found = available_memory()
            if found is not None and found[0] < self._least_available and held > 0:
                self.why = (
                    f"memory: it held {_gigabytes(held)}, and only {_gigabytes(found[0])} of {_gigabytes(found[1])} "
                    "were left"
                )
                self._end()
                return


def can_be_watched() -> bool:
    """Returns whether this system reports how much memory is available."""
    return available_memory() is not None


def reserved_bytes(total: int) -> int:
    """Returns how much of `total` must stay available. Below that, the child is ended."""
    return min(max(int(RESERVED_SHARE * total), LEAST_RESERVED_BYTES), MOST_RESERVED_BYTES)


def available_memory() -> tuple[int, int] | None:
    """Returns the available and the total bytes of the machine or of the tightest control group around this process.

    None where the system does not report them.
    """
    return min((pair for pair in (_machine_memory(), *_group_memory()) if pair is not None), default=None)


def _machine_memory() -> tuple[int, int] | None:
    fields = dict(line.split(":", 1) for line in _read(PROC / "meminfo").splitlines() if ":" in line)
    with suppress(KeyError, ValueError, IndexError):
        return int(fields["MemAvailable"].split()[0]) << 10, int(fields["MemTotal"].split()[0]) << 10
    return None


def _group_memory() -> Iterator[tuple[int, int] | None]:
    for line in _read(PROC / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        inside = [part for part in path.split("/") if part not in ("", "..")]
        for count in range(len(inside) + 1):
            if controllers == "":
                folder = GROUPS.joinpath(*inside[:count])
                yield _memory_of_group(folder, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                folder = GROUPS.joinpath("memory", *inside[:count])
                yield _memory_of_group(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def _memory_of_group(folder: Path, limit: str, usage: str, reclaimable: str) -> tuple[int, int] | None:
    most, used = _read(folder / limit).strip(), _read(folder / usage).strip()
    if not most.isdecimal() or not used.isdecimal() or int(most) >= NO_LIMIT_BYTES:
        return None
    # The kernel drops cached files as soon as memory is needed, so they count as available.
    lines = (line.split() for line in _read(folder / "memory.stat").splitlines())
    cached = next((int(words[1]) for words in lines if words[:1] == [reclaimable]), 0)
    return max(0, int(most) - max(0, int(used) - cached)), int(most)


def _session(leader: int) -> Iterator[int]:
    """Yields the processes of a session, without its leader."""
    for folder in PROC.glob("[0-9]*"):
        pid = int(folder.name)
        if pid != leader and number_in(_read(folder / "stat").encode(), SESSION) == leader:
            yield pid


def _resident_bytes(process: int) -> int:
    fields = _read(PROC / str(process) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def _gigabytes(count_bytes: int) -> str:
    return f"{count_bytes / 1e9:.1f} GB"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
