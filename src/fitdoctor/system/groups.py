"""The limits of a container or a job scheduler, and how often the training reaches them.

Both versions of control groups are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fitdoctor.recording.model.system import System
from fitdoctor.system.group_paths import first_version, second_version
from fitdoctor.system.kernel_files import KernelFile, named_numbers, number, open_if_there, read_text
from fitdoctor.system.source import Reading, Target

# Version 1 writes a larger number if there is no limit.
NO_LIMIT = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cpu:
    """A group that limits CPU time. `stat` counts all periods, and the periods in which the group was throttled."""

    cores: float
    stat: KernelFile | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Memory:
    """A group that limits memory.

    `reclaimable` is the name of its statistic for file pages that the kernel may drop.
    """

    limit: int
    used: KernelFile
    stat: KernelFile | None
    reclaimable: bytes


def open_source(place: Target) -> Groups | None:
    second = second_version(place)
    cpus = [(folder, cpu_limit(read_text(folder / "cpu.max"))) for folder in second]
    cpus += [
        (folder, cpu_limit(f"{read_text(folder / 'cpu.cfs_quota_us')} {read_text(folder / 'cpu.cfs_period_us')}"))
        for folder in first_version(place, "cpu")
    ]
    tightest = min(((cores, str(folder)) for folder, cores in cpus if cores is not None), default=None)
    cpu = None if tightest is None else _Cpu(cores=tightest[0], stat=open_if_there(Path(tightest[1]) / "cpu.stat"))
    memories = [_memory(folder, ("memory.max", "memory.high"), "memory.current", b"inactive_file") for folder in second]
    memories += [
        _memory(folder, ("memory.limit_in_bytes",), "memory.usage_in_bytes", b"total_inactive_file")
        for folder in first_version(place, "memory")
    ]
    memory = [each for each in memories if each is not None]
    return Groups(cpu, memory) if cpu is not None or memory else None


def _memory(folder: Path, limits: tuple[str, ...], used: str, reclaimable: bytes) -> _Memory | None:
    found = [limit for name in limits if (limit := memory_limit(read_text(folder / name))) is not None]
    file = open_if_there(folder / used) if found else None
    return (
        None
        if file is None
        else _Memory(limit=min(found), used=file, stat=open_if_there(folder / "memory.stat"), reclaimable=reclaimable)
    )


class Groups:
    """The groups with a limit: the tightest for CPU time, and all for memory, because any of them may be full next."""

    def __init__(self, cpu: _Cpu | None, memory: list[_Memory]) -> None:
        self._cpu, self._memory = cpu, memory

    def read(self) -> Reading:
        counters = {}
        if self._cpu is not None and self._cpu.stat is not None:
            said = dict(named_numbers(self._cpu.stat.whole()))
            counters = {name: float(said[key]) for key, name in PERIODS.items() if key in said}
        left = [found for each in self._memory if (found := _left(each)) is not None]
        return Reading(counters=counters, levels={"group_memory_left_bytes": float(min(left))} if left else {})

    def describe(self, system: System) -> None:
        system.cpu_limit_cores = self._cpu.cores if self._cpu is not None else None
        system.memory_limit_bytes = min((each.limit for each in self._memory), default=None)

    def close(self) -> None:
        files = [self._cpu.stat] if self._cpu is not None else []
        for each in self._memory:
            files += [each.used, each.stat]
        for file in files:
            if file is not None:
                file.close()


PERIODS = {b"nr_periods": "quota_periods", b"nr_throttled": "throttled_periods"}


def _left(group: _Memory) -> int | None:
    used = number(group.used.line().strip())
    if used is None:
        return None
    cached = dict(named_numbers(group.stat.whole())).get(group.reclaimable, 0) if group.stat is not None else 0
    return max(0, group.limit - max(0, used - cached))


def cpu_limit(words: str) -> float | None:
    """The limit in cores, from a quota and its period. None if there is no limit.

    Example:
        >>> cpu_limit("150000 100000"), cpu_limit("max 100000"), cpu_limit("-1 100000")
        (1.5, None, None)
    """
    numbers = [number(word) for word in words.split()]
    quota, period = (*numbers, None, None)[:2]
    return quota / period if quota and period else None


def memory_limit(word: str) -> int | None:
    """The limit in bytes. None if there is no limit.

    Example:
        >>> memory_limit("2147483648"), memory_limit("max"), memory_limit("9223372036854771712")
        (2147483648, None, None)
    """
    limit = number(word.strip())
    return limit if limit is not None and limit < NO_LIMIT else None
