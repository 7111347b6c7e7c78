"""What the system does while fits run in this very process:

looked at when one begins and when it ends, with no thread of ours.
"""

from __future__ import annotations

import os
from typing import Any

from fitdoctor.probe.roles.watch import WatchRole
from fitdoctor.probe.support.originals import time
from fitdoctor.recording.model.system import System
from fitdoctor.system.collector import INSIDE, Collector

APART_S = 0.25
"""Looks follow each other no sooner: a program may call fit a thousand times a second."""
FAILED = "What the system did meanwhile was not looked at: {}: {}."


class Looks:
    """Never raises: what can't be looked at is a limit of the report."""

    def __init__(self) -> None:
        self._look: Collector | None = None
        self._system = System()
        self._looked_s = time.monotonic()
        try:
            self._look = Collector(os.getpid(), INSIDE)
        except Exception as error:
            self._failed(error)

    def look(self, *, always: bool = False) -> None:
        """Reads all counters, unless that was done just now."""
        now_s = time.monotonic()
        if self._look is None or not always and now_s - self._looked_s < APART_S:
            return
        self._looked_s = now_s
        try:
            self._look.tick()
        except Exception as error:
            self._failed(error)

    def end(self) -> System:
        """The record of it."""
        self.look(always=True)
        try:
            if self._look is not None:
                self._system = self._look.close()
        except Exception as error:
            self._failed(error)
        self._look = None
        return self._system

    def _failed(self, error: Exception) -> None:
        self._look = None
        self._system = System(limits=[FAILED.format(type(error).__name__, error)])


class ObservingRole(WatchRole):
    """Follows trainings as `WatchRole` does, and looks at the system around each fit."""

    looks: Looks

    def unit(self, kind: str, original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        if kind != "fit":
            return super().unit(kind, original, model, arguments, keywords)
        self.looks.look()
        try:
            return super().unit(kind, original, model, arguments, keywords)
        finally:
            self.looks.look()
