"""Writes what was measured to disk, so that a child that is killed loses at most a second of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from typing import Any


class Store:
    """Keeps one file current: written aside and moved into place, so that a reader never sees half of it.

    Args:
        path: The file.
        describe: Gives the dataclass to write, as it stands at the moment of the call.
    """

    def __init__(self, path: str, describe: Callable[[], Any]) -> None:
        self._path = path
        self._describe = describe

    def save(self) -> None:
        """Writes the current state. A disk that is full or read-only is the parent's to notice: nothing is raised here."""
        aside = f"{self._path}.{os.getpid()}"
        try:
            with open(aside, "w", encoding="utf-8") as file:
                json.dump(asdict(self._describe()), file, default=str)
            os.replace(aside, self._path)
        except OSError:
            pass
