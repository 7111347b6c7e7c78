"""Bytes that all disks of the machine read and write, and the busy time of the busiest disk."""

from __future__ import annotations

import re

from fitdoctor.recording.model.system import System
from fitdoctor.system.kernel_files import KernelFile, number, open_if_there
from fitdoctor.system.source import Reading, Target

# Bytes of a sector in /proc/diskstats, whatever the disk uses itself.
SECTOR = 512
# Devices in memory or in a file, and devices made of disks that are counted themselves.
NOT_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd)\d")

# Bytes read, bytes written, seconds busy.
Disk = tuple[int, int, float]


def open_source(place: Target) -> Disks | None:
    try:
        whole = frozenset(path.name for path in (place.sys / "block").iterdir() if not NOT_DISKS.match(path.name))
    except OSError:
        return None
    file = open_if_there(place.proc / "diskstats") if whole else None
    return None if file is None else Disks(file, whole)


class Disks:
    """Reads /proc/diskstats. `whole` are the names of disks. Partitions would count twice."""

    def __init__(self, file: KernelFile, whole: frozenset[str]) -> None:
        self._file, self._whole = file, whole
        self._before: dict[str, Disk] = {}
        self._busy_s = 0.0

    def read(self) -> Reading:
        found = {name: disk for name, disk in parse(self._file.whole()).items() if name in self._whole}
        if not found:
            return Reading()
        self._busy_s += max(0.0, *(disk[2] - self._before.get(name, disk)[2] for name, disk in found.items()))
        self._before = found
        read, written = (float(sum(disk[kind] for disk in found.values())) for kind in range(2))
        counters = {
            "machine_disk_read_bytes": read,
            "machine_disk_written_bytes": written,
            "machine_disk_busy_s": self._busy_s,
        }
        return Reading(counters=counters)

    def describe(self, system: System) -> None:
        """Adds nothing: disks have no constant figures."""

    def close(self) -> None:
        self._file.close()


def parse(data: bytes) -> dict[str, Disk]:
    """Each block device by its name.

    Example:
        >>> parse(b" 254 0 vda 9 0 2 5 3 0 4 6 0 1500 7")
        {'vda': (1024, 2048, 1.5)}
    """
    found: dict[str, Disk] = {}
    for line in data.splitlines():
        words = line.split()
        numbers = [number(word) for word in words[3:13]]
        if len(numbers) == 10 and None not in numbers:
            read, written, busy_ms = (numbers[at] or 0 for at in (2, 6, 9))
            found[words[2].decode("utf-8", "replace")] = (read * SECTOR, written * SECTOR, busy_ms / 1e3)
    return found
