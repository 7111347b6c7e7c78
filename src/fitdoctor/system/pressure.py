"""How long work waited for a core, for memory or for a disk: the kernel's pressure stall information."""

from __future__ import annotations

from pathlib import Path

from fitdoctor.recording.model.system import System
from fitdoctor.system.group_paths import second_version
from fitdoctor.system.kernel_files import KernelFile, number, open_if_there
from fitdoctor.system.source import Reading, Target

RESOURCES = ("cpu", "memory", "io")
# Whether some or all of the work waits.
NAMES = {
    ("cpu", b"some"): "pressure_cpu_some_s",
    ("cpu", b"full"): "pressure_cpu_full_s",
    ("memory", b"some"): "pressure_memory_some_s",
    ("memory", b"full"): "pressure_memory_full_s",
    ("io", b"some"): "pressure_io_some_s",
    ("io", b"full"): "pressure_io_full_s",
}


def open_source(place: Target) -> Pressure | None:
    """Opens the files of the machine, or of the process' own control group in a container that hides them."""
    files = _files([place.proc / "pressure" / name for name in RESOURCES])
    if not files:
        group = next(iter(second_version(place)), None)
        files = _files([group / f"{name}.pressure" for name in RESOURCES]) if group is not None else {}
    return Pressure(files) if files else None


class Pressure:
    def __init__(self, files: dict[str, KernelFile]) -> None:
        self._files = files

    def read(self) -> Reading:
        counters = {}
        for resource, file in self._files.items():
            for kind, seconds in parse(file.line()).items():
                counters[NAMES[resource, kind]] = seconds
        return Reading(counters=counters)

    def describe(self, system: System) -> None:
        """Adds nothing: pressure has no constant figures."""

    def close(self) -> None:
        for file in self._files.values():
            file.close()


def _files(paths: list[Path]) -> dict[str, KernelFile]:
    """Opens the readable files. A kernel without pressure information has the files as well, but they can't be read."""
    found = {}
    for resource, path in zip(RESOURCES, paths, strict=True):
        file = open_if_there(path)
        if file is None:
            continue
        try:
            file.line()
            found[resource] = file
        except OSError:
            file.close()
    return found


def parse(data: bytes) -> dict[bytes, float]:
    """The seconds of "some" and "full" since the system started.

    Example:
        >>> parse(b"some avg10=0.00 avg60=0.03 avg300=0.11 total=9566748")
        {b'some': 9.566748}
    """
    found: dict[bytes, float] = {}
    for line in data.splitlines():
        kind, _, rest = line.partition(b" ")
        total = next((number(word[6:]) for word in rest.split() if word.startswith(b"total=")), None)
        if kind in (b"some", b"full") and total is not None:
            found[kind] = total / 1e6
    return found
