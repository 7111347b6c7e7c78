"""What the machine and the processes of a training did meanwhile, seen from outside: the format, standard library only.

Time is divided into stretches. Of a counter each stretch keeps what was added in it, of a level its mean, least and
most; None stands where it could not be told. Times are seconds of the monotonic clock, which all processes of a machine
share: `Fit.spans` are of the same clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Span:
    """From when to when, by the monotonic clock. `ended_s` is None while it lasts."""

    began_s: float
    ended_s: float | None = None


@dataclass(slots=True, kw_only=True)
class Level:
    """Something that goes up and down, for each stretch."""

    mean: list[float | None] = field(default_factory=list)
    least: list[float | None] = field(default_factory=list)
    most: list[float | None] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Series:
    """All that was read of one thing, by name: what was added in each stretch, and what stood at which level."""

    counters: dict[str, list[float | None]] = field(default_factory=dict)
    levels: dict[str, Level] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Gpu:
    """One accelerator that the driver knows of. `clock_mhz` is the highest that its processors may run at."""

    device: str = ""
    memory_bytes: int = 0
    clock_mhz: float = 0.0
    series: Series = field(default_factory=Series)


@dataclass(slots=True, kw_only=True)
class System:
    """The machine and the processes of a training, in `stretches_s` one after the other from `began_s` on.

    `began_unix_s` is the same moment as the calendar has it. `cores` are those that the training may run on, and
    `core_busy_s` how long each core of the machine was busy, by its number. `cpu_limit_cores` and `memory_limit_bytes`
    are the tightest limits of its control groups. `programs` are the command lines of other Python processes that
    belonged to it. `missing` names what this system does not tell, `limits` says in sentences what failed. `own_cpu_s`
    is what looking took.
    """

    began_s: float = 0.0
    began_unix_s: float = 0.0
    own_cpu_s: float = 0.0
    stretches_s: list[float] = field(default_factory=list)
    series: Series = field(default_factory=Series)
    gpus: list[Gpu] = field(default_factory=list)
    cores: int = 0
    core_busy_s: list[float] = field(default_factory=list)
    memory_bytes: int = 0
    swap_bytes: int = 0
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None
    programs: list[list[str]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
