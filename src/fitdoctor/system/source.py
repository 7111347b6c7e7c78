"""The interface of sources: each reads one subject of the system, and is opened once and read at every tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fitdoctor.recording.model.system import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One reading of a source. Unknown figures are missing in it."""

    # Figures that grow since some moment in the past.
    counters: dict[str, float] = field(default_factory=dict)
    # Present values.
    levels: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The process to observe, and the folders of the system to read."""

    # The number of the process.
    process: int
    # The numbers of the cores that it may run on.
    cores: frozenset[int] = frozenset()
    # The folder of processes.
    proc: Path = Path("/proc")
    # The folder of devices.
    sys: Path = Path("/sys")


class Source(Protocol):
    """One source. Its module has a function `open_source`, which returns None if there is nothing to read."""

    def read(self) -> Reading:
        """Reads once.

        Raises:
            OSError: Its subject is gone.
        """

    def describe(self, system: System) -> None:
        """Adds constant figures, and sums over the whole time."""

    def close(self) -> None:
        """Closes its files."""
