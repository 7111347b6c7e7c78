"""Writes what was measured to disk now and then, so that a child that is killed loses little of it."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from typing import Any

from fitdoctor.recording.plain import described

TRIES = 5
"""The script may add to the record while another thread, the watchdog, describes it."""


class Store:
    """Keeps one file current: written aside and moved into place, so that a reader never sees half of it.

    Args:
        path: The file.
        describe: Gives the dataclass to write, as it stands at the moment of the call.
    """

    def __init__(self, path: str, describe: Callable[[], Any]) -> None:
        self._path = path
        self._describe = describe
        self._lock = threading.RLock()

    def save(self) -> None:
        """Writes the current state.

        Nothing is raised here, whatever happens: the script must go on. A disk that is full or read-only is the parent's to notice,
        and a script may have set a recursion limit that is too low for us.
        """
        if self._path == os.devnull:  # nobody asked for a record, and a device must not be replaced
            return
        aside = f"{self._path}.{os.getpid()}"
        try:
            with self._lock:
                data = self._encoded()
                with open(aside, "wb") as file:
                    file.write(data)
                os.replace(aside, self._path)
        except (OSError, RuntimeError, MemoryError):
            pass

    def _encoded(self) -> bytes:
        for _ in range(TRIES - 1):
            try:
                return self._encode()
            except RuntimeError:
                continue
        return self._encode()

    def _encode(self) -> bytes:
        return json.dumps(described(self._describe())).encode()
