"""The clocks of the cores, as shares of the highest ones, and how long heat slows them down."""

from __future__ import annotations

from pathlib import Path

from fitdoctor.recording.model.system import System
from fitdoctor.system.kernel_files import KernelFile, number, open_if_there, read_text
from fitdoctor.system.source import Reading, Target

# The most cores whose clock is read, evenly spaced. Reading a clock may interrupt its core.
MOST_CORES = 4


def open_source(place: Target) -> Clocks | None:
    folder = place.sys / "devices" / "system" / "cpu"
    try:
        found = sorted(
            at for path in folder.iterdir() if path.name[:3] == "cpu" and (at := number(path.name[3:])) is not None
        )
    except OSError:
        return None
    cores = [at for at in found if not place.cores or at in place.cores]
    chosen = cores[:: max(1, -(-len(cores) // MOST_CORES))]
    clocks = [clock for at in chosen if (clock := _clock(folder / f"cpu{at}" / "cpufreq")) is not None]
    heat = (
        open_if_there(folder / f"cpu{cores[0]}" / "thermal_throttle" / "package_throttle_total_time_ms")
        if cores
        else None
    )
    return Clocks(clocks, heat) if clocks or heat is not None else None


def _clock(folder: Path) -> tuple[KernelFile, int] | None:
    highest = number(read_text(folder / "cpuinfo_max_freq").strip())
    now = open_if_there(folder / "scaling_cur_freq") if highest else None
    return None if now is None or highest is None else (now, highest)


class Clocks:
    """Reads cpufreq, if the system has it. Virtual machines rarely do.

    Args:
        clocks: The file with the present frequency and the highest frequency, for some cores.
        heat: The file with the milliseconds in which heat slowed down the package of the first core.
    """

    def __init__(self, clocks: list[tuple[KernelFile, int]], heat: KernelFile | None) -> None:
        self._clocks, self._heat = clocks, heat

    def read(self) -> Reading:
        shares = [now / highest for file, highest in self._clocks if (now := number(file.line().strip())) is not None]
        slowed_ms = number(self._heat.line().strip()) if self._heat is not None else None
        return Reading(
            counters={"heat_slowed_s": slowed_ms / 1e3} if slowed_ms is not None else {},
            levels={"clock_share": sum(shares) / len(shares)} if shares else {},
        )

    def describe(self, system: System) -> None:
        """Adds nothing: shares already contain the highest clock."""

    def close(self) -> None:
        for file in (self._heat, *(file for file, _ in self._clocks)):
            if file is not None:
                file.close()
