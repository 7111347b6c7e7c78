"""Opens all sources, reads them at each tick, and makes a record of them.

A source that fails is left out, and the record names it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fitdoctor.recording.model.system import Series, System
from fitdoctor.system import clocks, cores, disks, gpus, groups, memory, network, pressure, processes
from fitdoctor.system.source import Reading, Source, Target
from fitdoctor.system.stretches import Stretches

Opener = Callable[[Target], Source | Sequence[Source] | None]

# Sources that are read from another process.
OUTSIDE: Mapping[str, Opener] = {
    "processes": processes.open_source,
    "cores": cores.open_source,
    "pressure": pressure.open_source,
    "memory": memory.open_source,
    "disks": disks.open_source,
    "network": network.open_source,
    "control groups": groups.open_source,
    "clocks": clocks.open_source,
    "GPUs": gpus.open_sources,
}

# Sources that are read in the user's own process, before and after a fit. The others are meaningful only while it runs.
INSIDE: Mapping[str, Opener] = {name: OUTSIDE[name] for name in OUTSIDE if name not in ("clocks", "GPUs")}

FAILED = "Some figures of the system are unknown: reading its {} failed ({}: {})."


@dataclass(frozen=True, slots=True)
class _Open:
    name: str
    owner: str
    source: Source


class Collector:
    """Collects figures of the system for one process.

    Args:
        process: The number of the process.
        openers: The sources to open.
        clock: Seconds of the monotonic clock.

    Example:
        >>> collector = Collector(os.getpid(), INSIDE)
        >>> collector.tick()
        >>> collector.close().series.counters["process_cpu_s"]
    """

    def __init__(
        self,
        process: int,
        openers: Mapping[str, Opener] = OUTSIDE,
        *,
        place: Target | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._system = System(began_s=clock(), began_unix_s=time.time())
        self._stretches = Stretches()
        self._sources: list[_Open] = []
        where = place if place is not None else Target(process=process, cores=_affinity(process))
        for name, opener in openers.items():
            self._open(name, opener, where)
        self._ticked_s = self._system.began_s
        self._stretches.begin(self._read())

    def tick(self) -> None:
        """Reads all sources once."""
        now_s = self._clock()
        seconds, self._ticked_s = max(0.0, now_s - self._ticked_s), now_s
        self._stretches.add(seconds, self._read())

    def close(self, own_cpu_s: float = 0.0) -> System:
        """Closes all sources and returns the record."""
        system = self._system
        for each in self._sources:
            try:
                each.source.describe(system)
                each.source.close()
            except Exception as error:  # noqa: BLE001 - the other sources are worth keeping
                self._failed(each.name, error)
        series = self._stretches.series
        system.series = series.get("", Series())
        for each, gpu in zip((each for each in self._sources if each.owner), system.gpus, strict=False):
            gpu.series = series.get(each.owner, Series())
        system.stretches_s, system.own_cpu_s = self._stretches.lengths_s, own_cpu_s
        self._sources = []
        return system

    def _open(self, name: str, opener: Opener, place: Target) -> None:
        try:
            found = opener(place)
        except Exception as error:  # noqa: BLE001 - one strange source must not stop the others
            self._failed(name, error)
            return
        sources = [] if found is None else list(found) if isinstance(found, Sequence) else [found]
        if not sources:
            self._system.missing.append(name)
        self._sources += [_Open(name, str(getattr(source, "owner", "")), source) for source in sources]

    def _read(self) -> dict[str, Reading]:
        found: dict[str, Reading] = {}
        for each in list(self._sources):
            try:
                reading = each.source.read()
            except OSError:
                continue  # its subject is gone, or not there yet
            except Exception as error:  # noqa: BLE001 - one source that fails is left out from then on
                self._sources.remove(each)
                self._failed(each.name, error)
                continue
            known = found.get(each.owner, Reading())
            found[each.owner] = Reading(
                counters=known.counters | reading.counters, levels=known.levels | reading.levels
            )
        return found

    def _failed(self, name: str, error: Exception) -> None:
        sentence = FAILED.format(name, type(error).__name__, error)
        if sentence not in self._system.limits:
            self._system.limits.append(sentence)


def _affinity(process: int) -> frozenset[int]:
    try:
        return frozenset(os.sched_getaffinity(process))
    except (AttributeError, OSError):
        return frozenset()
