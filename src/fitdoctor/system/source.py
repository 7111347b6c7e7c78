"""What every source of signals is: one thing that the system tells of, opened once and read at every tick."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fitdoctor.recording.model.system import System


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at a source gave.

    `counters` have been growing since some moment in the past; `levels` are as they are now. What is not known is not
    in them.
    """

    counters: dict[str, float] = field(default_factory=dict)
    levels: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom to look at, and where the system tells of it.

    `cores` are the numbers of those that the process may run on.
    """

    process: int
    cores: frozenset[int] = frozenset()
    proc: Path = Path("/proc")
    sys: Path = Path("/sys")


class Source(Protocol):
    """One source. Its module has a function `open_source`, which gives None where there is nothing to be read."""

    def read(self) -> Reading:
        """Looks once.

        Raises:
            OSError: What it tells of is gone.
        """

    def describe(self, system: System) -> None:
        """Writes down what does not change, or was summed up over the whole time."""

    def close(self) -> None:
        """Closes what was kept open."""
