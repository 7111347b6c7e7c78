"""The resources of a training's processes: CPU time, waits for a core, memory, threads, and input and output."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from fitdoctor.proc_stat import fields_after_name
from fitdoctor.recording.model.system import System
from fitdoctor.system.cores import TICK_S
from fitdoctor.system.kernel_files import KernelFile, named_numbers, number, open_if_there
from fitdoctor.system.process_tree import ProcessTree
from fitdoctor.system.source import Reading, Target

PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
# The shortest time between two searches for new processes and threads.
SEARCH_S = 1.0
# The share of a core that searches may take. With thousands of processes they are done less often.
SEARCH_SHARE = 0.0005
# The most threads whose wait for a core is read. Each takes an open file, and a process may have a thousand files.
MOST_THREADS = 128
MOST_PROCESSES = 64
# The most command lines of other Python processes that are kept, each with at most so many words.
MOST_PROGRAMS = 8
MOST_WORDS = 12
LONGEST_WORD = 200

# Bytes that reach a disk, and bytes that a process reads or writes at all.
IO = {
    b"read_bytes": "disk_read_bytes",
    b"write_bytes": "disk_written_bytes",
    b"rchar": "read_bytes",
    b"wchar": "written_bytes",
}


@dataclass(slots=True)
class _Process:
    stat: KernelFile
    io: KernelFile | None
    # By number: the file, and how long the thread had waited for a core when it was read last.
    threads: dict[int, tuple[KernelFile, float]] = field(default_factory=dict)

    def close(self) -> None:
        for file in (self.stat, self.io, *(file for file, _ in self.threads.values())):
            if file is not None:
                file.close()


def open_source(place: Target) -> Processes | None:
    return Processes(place) if (place.proc / str(place.process) / "stat").is_file() else None


class Processes:
    """Follows a process and its descendants.

    What a child used is in its parent's figures once that has waited for it, and in its own before: the sum goes on
    without a gap.
    """

    def __init__(self, place: Target) -> None:
        self._proc, self._root = place.proc, place.process
        self._tree = ProcessTree(place.process, place.proc)
        self._open: dict[int, _Process] = {}
        self._threads_wait_s = 0.0
        self._next_search_s = 0.0
        self._programs: list[list[str]] = []

    def read(self) -> Reading:
        if time.monotonic() >= self._next_search_s:
            self._search()
        counters: dict[str, float] = {}
        rss = threads = found = 0
        for process, files in list(self._open.items()):
            try:
                usage = parse_stat(files.stat.line())
                done = dict(named_numbers(files.io.line())) if files.io is not None else {}
            except OSError:  # it ended
                self._open.pop(process).close()
                continue
            if usage is None:
                continue
            found, rss, threads = found + 1, rss + usage.rss_bytes, threads + usage.threads
            counted = {"process_cpu_s": usage.cpu_s, "major_faults": float(usage.major_faults)}
            counted |= {name: float(done[key]) for key, name in IO.items() if key in done}
            for name, value in counted.items():
                counters[name] = counters.get(name, 0.0) + value
            self._wait(files, counters)
        if not found:
            return Reading()
        if any(files.threads for files in self._open.values()):
            counters["threads_wait_s"] = self._threads_wait_s
        return Reading(
            counters=counters, levels={"rss_bytes": float(rss), "threads": float(threads), "processes": float(found)}
        )

    def _wait(self, files: _Process, counters: dict[str, float]) -> None:
        for thread, (file, before_s) in list(files.threads.items()):
            try:
                run = parse_schedule(file.line())
            except OSError:  # it ended
                files.threads.pop(thread)[0].close()
                continue
            if run is None:
                continue
            self._threads_wait_s += max(0.0, run[1] - before_s)
            files.threads[thread] = (file, run[1])
            if thread == self._root:
                counters["main_cpu_s"], counters["main_wait_s"] = run

    def _search(self) -> None:
        began_s = time.thread_time()
        self._tree.search()
        for process in self._open.keys() - self._tree.members:
            self._open.pop(process).close()
        for process in sorted(self._tree.members - self._open.keys())[: MOST_PROCESSES - len(self._open)]:
            stat = open_if_there(self._proc / str(process) / "stat")
            if stat is not None:
                self._open[process] = _Process(stat, open_if_there(self._proc / str(process) / "io"))
                self._note_program(process)
        for process, files in self._open.items():
            self._find_threads(self._proc / str(process) / "task", files)
        # The first search reads every process of the machine, and later searches only new ones.
        spent_s = time.thread_time() - began_s if self._next_search_s else 0.0
        self._next_search_s = time.monotonic() + max(SEARCH_S, spent_s / SEARCH_SHARE)

    def _find_threads(self, folder: Path, files: _Process) -> None:
        followed = sum(len(one.threads) for one in self._open.values())
        with suppress(OSError):
            there = {found for entry in os.scandir(folder) if (found := number(entry.name)) is not None}
            for thread in sorted(there - files.threads.keys())[: max(0, MOST_THREADS - followed)]:
                if (file := open_if_there(folder / str(thread) / "schedstat")) is not None:
                    files.threads[thread] = (file, 0.0)

    def _note_program(self, process: int) -> None:
        """Keeps the command line of a Python process, unless it is the script's own process or a copy of it."""
        if process == self._root or len(self._programs) >= MOST_PROGRAMS:
            return
        with suppress(OSError):
            words = [
                os.fsdecode(word)[:LONGEST_WORD]
                for word in (self._proc / str(process) / "cmdline").read_bytes().split(b"\0")[:-1]
            ]
            own = (self._proc / str(self._root) / "cmdline").read_bytes().split(b"\0")[:-1]
            if words and Path(words[0]).name.startswith("python") and words != [os.fsdecode(word) for word in own]:
                self._programs.append(words[:MOST_WORDS])

    def describe(self, system: System) -> None:
        system.programs = self._programs

    def close(self) -> None:
        for files in self._open.values():
            files.close()
        self._open.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Figures of one process, and of the ended children that it waited for."""

    cpu_s: float
    major_faults: int
    threads: int
    rss_bytes: int


def parse_stat(data: bytes) -> Usage | None:
    """Parses /proc/PID/stat. None if the data has another form."""
    fields = [number(field) for field in fields_after_name(data)[9:22]]
    if len(fields) < 13:
        return None
    faults, child_faults, user, kernel, child_user, child_kernel, _, _, threads, _, _, _, pages = fields
    ticks = sum(value or 0 for value in (user, kernel, child_user, child_kernel))
    return Usage(
        cpu_s=ticks * TICK_S,
        major_faults=(faults or 0) + (child_faults or 0),
        threads=threads or 0,
        rss_bytes=(pages or 0) * PAGE,
    )


def parse_schedule(data: bytes) -> tuple[float, float] | None:
    """Seconds that a thread ran, and seconds that it waited for a core.

    Example:
        >>> parse_schedule(b"1500000000 20000000 123")
        (1.5, 0.02)
    """
    words = [number(word) for word in data.split()[:2]]
    return None if len(words) < 2 or None in words else ((words[0] or 0) / 1e9, (words[1] or 0) / 1e9)
