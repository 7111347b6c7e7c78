"""How busy the cores are, with the work of all processes."""

from __future__ import annotations

import os
from typing import NamedTuple

from fitdoctor.recording.model.system import System
from fitdoctor.system.kernel_files import KernelFile, number, open_if_there
from fitdoctor.system.source import Reading, Target

TICK_S = 1 / os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 0.01
# A core counts as one in use if it is busy for this share of a stretch.
IN_USE = 0.5


class Core(NamedTuple):
    """Seconds of one core since the system started."""

    # Seconds of work.
    busy_s: float
    # Idle seconds in which something waited for a disk.
    waited_s: float
    # Seconds that the host of a virtual machine took.
    stolen_s: float
    # All seconds.
    all_s: float


def open_source(place: Target) -> Cores | None:
    file = open_if_there(place.proc / "stat")
    return None if file is None else Cores(file, place.cores)


class Cores:
    """Reads /proc/stat.

    All sums are over the cores that the training may run on, or over all cores if those are unknown.
    """

    def __init__(self, file: KernelFile, allowed: frozenset[int]) -> None:
        self._file, self._allowed = file, allowed
        self._first: dict[int, Core] = {}
        self._last: dict[int, Core] = {}

    def read(self) -> Reading:
        found = parse(self._file.line())
        mine = {at: core for at, core in found.items() if not self._allowed or at in self._allowed}
        shares = _shares(self._last, mine)
        for at, core in found.items():
            self._first.setdefault(at, core)
        self._last = found
        if not mine:
            return Reading()
        busy_s, waited_s, stolen_s, _ = map(sum, zip(*mine.values(), strict=True))
        levels = (
            {"busiest_core": max(shares), "cores_in_use": float(sum(share >= IN_USE for share in shares))}
            if shares
            else {}
        )
        return Reading(counters={"machine_cpu_s": busy_s, "io_wait_s": waited_s, "steal_s": stolen_s}, levels=levels)

    def describe(self, system: System) -> None:
        system.cores = len([at for at in self._last if not self._allowed or at in self._allowed])
        length = max(self._last, default=-1) + 1
        system.core_busy_s = [round(max(0.0, self._busy_s(at)), 2) for at in range(length)]

    def _busy_s(self, at: int) -> float:
        return self._last[at].busy_s - self._first[at].busy_s if at in self._last else 0.0

    def close(self) -> None:
        self._file.close()


def parse(data: bytes) -> dict[int, Core]:
    r"""Each core by its number.

    Example:
        >>> parse(b"cpu  1 0 0 9 0 0 0 0\ncpu0 100 0 50 900 7 0 0 3 0 0\n")[0].busy_s
        1.5
    """
    found: dict[int, Core] = {}
    for line in data.splitlines():
        words = line.split()
        at = number(words[0][3:]) if words and words[0].startswith(b"cpu") else None
        numbers = [number(word) for word in words[1:9]]
        if at is None or at >= 1 << 16 or len(numbers) < 8 or None in numbers:
            continue
        user, nice, system, idle, waited, interrupts, soft, stolen = (value or 0 for value in numbers)
        busy = user + nice + system + interrupts + soft
        found[at] = Core(busy * TICK_S, waited * TICK_S, stolen * TICK_S, (busy + idle + waited + stolen) * TICK_S)
    return found


def _shares(before: dict[int, Core], now: dict[int, Core]) -> list[float]:
    """The share of the time in which each core was busy."""
    pairs = [(before[at], core) for at, core in now.items() if at in before and core.all_s > before[at].all_s]
    return [min(1.0, max(0.0, (core.busy_s - old.busy_s) / (core.all_s - old.all_s))) for old, core in pairs]
