"""Writes what was measured to disk now and then, so that a child that is killed loses little of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fitdoctor.probe.support.originals import os, threading
from fitdoctor.recording.plain import UNWRITTEN, described

try:
    from fcntl import F_DUPFD_CLOEXEC, fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TRIES = 5
"""The script may add to the record while another thread, the watchdog, describes it."""
FIRST_NUMBER = 100
"""Files of ours have numbers from here on. The lowest are those of stdin, stdout and stderr, also where the script was
started without, and then come those that its own files get."""


class Store:
    """Keeps one file current: written aside and moved into place, so that a reader never sees half of it.

    Only the process that made it writes: what the script forks has a copy of the record.

    Args:
        path: The file.
        describe: Gives the dataclass to write, as it stands at the moment of the call.
    """

    def __init__(self, path: str, describe: Callable[[], Any]) -> None:
        self._path = path
        self._describe = describe
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._unwritten = False

    def save(self) -> None:
        """Writes the current state.

        Nothing is raised here, whatever happens: the script must go on. A disk that is full or read-only is the
        parent's to notice, and a script may have set a recursion limit that is too low for us.
        """
        if self._path == os.devnull:  # nobody asked for a record, and a device must not be replaced
            return
        if os.getpid() != self._process:  # before the lock: in a forked process nobody may be left to release it
            return
        aside = f"{self._path}.{self._process}"
        try:
            with self._lock:
                data = self._encoded()
                _write(aside, data)
                os.replace(aside, self._path)
                self._mark("")
        except OSError as error:
            self._mark(os.strerror(error.errno) if error.errno else type(error).__name__)
        except (RuntimeError, MemoryError):
            pass

    def _mark(self, reason: str) -> None:
        """Leaves word for the parent that the file is not current, or takes that back."""
        if bool(reason) == self._unwritten:
            return
        try:
            if reason:
                os.symlink(reason, self._path + UNWRITTEN)
            else:
                os.unlink(self._path + UNWRITTEN)
            self._unwritten = bool(reason)
        except OSError:
            pass

    def _encoded(self) -> bytes:
        for _ in range(TRIES - 1):
            try:
                return self._encode()
            except RuntimeError:
                continue
        return self._encode()

    def _encode(self) -> bytes:
        return _encoder.encode(described(self._describe())).encode()


class _Encoder(json.JSONEncoder):
    """Python's own, also where a script replaces methods of that."""

    encode, iterencode, default = json.JSONEncoder.encode, json.JSONEncoder.iterencode, json.JSONEncoder.default


_encoder = _Encoder()


def _write(path: str, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if fcntl is not None:
            try:
                low, file = file, fcntl(file, F_DUPFD_CLOEXEC, FIRST_NUMBER)
            except OSError:  # no file may have such a number here (`ulimit -n`): it is open for a moment only
                pass
            else:
                os.close(low)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(file, rest) :]
    finally:
        os.close(file)
