"""Writes the record to disk, so that a process that is killed loses little of it."""

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

# The main thread may change the record while another thread encodes it, which then tries again.
TRIES = 5
# The lowest descriptor of our files. Lower ones belong to stdin, stdout, stderr and the script's own files.
FIRST_NUMBER = 100


class Store:
    """Keeps one file up to date. It writes a temporary file and renames it, so that no reader gets half a record.

    Only the process that made the store writes. A forked process has a copy of the record.

    Args:
        path: The file.
        describe: Gives the dataclass to write.
    """

    def __init__(self, path: str, describe: Callable[[], Any]) -> None:
        self._path = path
        self._describe = describe
        self._lock = threading.RLock()
        self._process = os.getpid()
        self._unwritten = False

    def save(self) -> None:
        """Writes the current state.

        It never raises: the script must continue. Our own process reports a full or read-only disk. A script may have
        set a recursion limit that is too low for us.
        """
        if self._path == os.devnull:  # no record is wanted, and a device must not be replaced
            return
        if os.getpid() != self._process:  # before the lock: a forked process may have inherited it locked
            return
        temporary = f"{self._path}.{self._process}"
        try:
            with self._lock:
                data = self._encoded()
                _write(temporary, data)
                os.replace(temporary, self._path)
                self._mark("")
        except OSError as error:
            self._mark(os.strerror(error.errno) if error.errno else type(error).__name__)
        except (RuntimeError, MemoryError):
            pass

    def _mark(self, reason: str) -> None:
        """Tells our own process that the file is out of date, or that it is up to date again."""
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
    """Python's encoder with its original methods, even if a script replaces them."""

    encode, iterencode, default = json.JSONEncoder.encode, json.JSONEncoder.iterencode, json.JSONEncoder.default


_encoder = _Encoder()


def _write(path: str, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if fcntl is not None:
            try:
                low, file = file, fcntl(file, F_DUPFD_CLOEXEC, FIRST_NUMBER)
            except OSError:  # the limit of open files (`ulimit -n`) may be lower: the file is open for a moment only
                pass
            else:
                os.close(low)
        unwritten = memoryview(data)
        while unwritten:
            unwritten = unwritten[os.write(file, unwritten) :]
    finally:
        os.close(file)
