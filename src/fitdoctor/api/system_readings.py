"""Reads the system's counters around each fit of this process, without a thread of ours."""

from __future__ import annotations

import os
from typing import Any

from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support.originals import time
from fitdoctor.recording.model.system import System
from fitdoctor.system.collector import INSIDE, Collector

# A program may call fit a thousand times a second, so readings are at least this far apart.
MIN_INTERVAL_S = 0.25
FAILED = "The system was not observed: {}: {}."


class SystemReadings:
    """Never raises: a failure becomes a limit of the report."""

    def __init__(self) -> None:
        self._collector: Collector | None = None
        self._system = System()
        self._read_s = time.monotonic()
        try:
            self._collector = Collector(os.getpid(), INSIDE)
        except Exception as error:
            self._fail(error)

    def read(self, *, always: bool = False) -> None:
        """Reads all counters, unless that was done within `MIN_INTERVAL_S`."""
        now_s = time.monotonic()
        if self._collector is None or not always and now_s - self._read_s < MIN_INTERVAL_S:
            return
        self._read_s = now_s
        try:
            self._collector.tick()
        except Exception as error:
            self._fail(error)

    def end(self) -> System:
        """Returns the record of all readings."""
        self.read(always=True)
        try:
            if self._collector is not None:
                self._system = self._collector.close()
        except Exception as error:
            self._fail(error)
        self._collector = None
        return self._system

    def _fail(self, error: Exception) -> None:
        self._collector = None
        self._system = System(limits=[FAILED.format(type(error).__name__, error)])


class ObservingRole(WatchRole):
    """Observes trainings as `WatchRole` does, and reads the system's counters around each fit."""

    readings: SystemReadings

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if kind != "fit":
            return super().unit(kind, original, model, arguments, keywords)
        self.readings.read()
        try:
            return super().unit(kind, original, model, arguments, keywords)
        finally:
            self.readings.read()
