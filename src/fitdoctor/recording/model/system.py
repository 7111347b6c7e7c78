"""What the machine and the processes of a training do, sampled from outside.

Time is divided into stretches. A stretch holds the growth of each counter, and the mean, least and most of each level.
None stands where the value is unknown. Times are seconds of the monotonic clock. All processes of a machine share it.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Span:
    """A span of time, by the monotonic clock."""

    # When it begins.
    began_s: float
    # When it ends. None while it lasts.
    ended_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Level:
    """A value that goes up and down. Lists hold one figure for each stretch."""

    # The mean of the stretch.
    mean: list[float | None] = field(default_factory=list)
    # The smallest value of the stretch.
    least: list[float | None] = field(default_factory=list)
    # The largest value of the stretch.
    most: list[float | None] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Series:
    """The counters and levels of one thing, by name."""

    # The growth of each counter in each stretch.
    counters: dict[str, list[float | None]] = field(default_factory=dict)
    # The levels.
    levels: dict[str, Level] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Gpu:
    """One accelerator that the driver knows."""

    # Its name.
    device: str = ""
    # Its memory.
    memory_bytes: int = 0
    # The highest clock that its processors may run at.
    clock_mhz: float = 0.0
    # What was sampled of it.
    series: Series = field(default_factory=Series)


@dataclass(slots=True, kw_only=True)
class System:
    """The machine and the processes of a training, in consecutive stretches."""

    # When the first stretch begins, by the monotonic clock.
    began_s: float = 0.0
    # The same moment in calendar time.
    began_unix_s: float = 0.0
    # Processor time that sampling takes.
    own_cpu_s: float = 0.0
    # Seconds of each stretch.
    stretches_s: list[float] = field(default_factory=list)
    # What was sampled of the processes and the machine.
    series: Series = field(default_factory=Series)
    # The accelerators.
    gpus: list[Gpu] = field(default_factory=list)
    # The number of cores that the training may run on.
    cores: int = 0
    # Seconds that each core of the machine was busy.
    core_busy_s: list[float] = field(default_factory=list)
    # The memory of the machine.
    memory_bytes: int = 0
    # The swap space of the machine.
    swap_bytes: int = 0
    # The tightest limit of processor time of its control groups, in cores.
    cpu_limit_cores: float | None = None
    # The tightest limit of memory of its control groups.
    memory_limit_bytes: int | None = None
    # The command lines of the other Python processes that belong to the training.
    programs: list[list[str]] = field(default_factory=list)
    # What this operating system does not provide.
    missing: list[str] = field(default_factory=list)
    # Sentences: what failed.
    limits: list[str] = field(default_factory=list)
