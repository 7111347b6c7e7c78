"""Detects other diagnoses on the machine: each disturbs the timings of the others."""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress

# An abstract socket name: shared by all users, and released by the kernel when its process ends. See unix(7).
NAME = "\0fitdoctor-diagnosis"
# Further diagnoses are not counted.
MOST_OTHERS = 16
SHOWN_CHARACTERS = 160


class MachineLock:
    """A lock that one diagnosis of the machine holds at a time. Does nothing on systems other than Linux.

    Attributes:
        holder: The process that held it when this one began, with its command line; "" if there was none.

    Example:
        >>> lock = MachineLock()
        >>> lock.holder
        ''
        >>> lock.release()
        False
    """

    def __init__(self, name: str = NAME) -> None:
        self.holder = ""
        self._socket: socket.socket | None = None
        if sys.platform != "linux":
            return
        try:
            self._socket = _listening(name)
        except OSError:
            self.holder = _holder(name)

    def release(self) -> bool:
        """Releases the lock. Returns whether another diagnosis began meanwhile."""
        if self._socket is None:
            return False
        with self._socket as held:
            self._socket = None
            with suppress(OSError):
                held.accept()[0].close()
                return True
        return False


def _listening(name: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        made.bind(name)
        made.listen(MOST_OTHERS)
        made.setblocking(False)
    except OSError:
        made.close()
        raise
    return made


def _holder(name: str) -> str:
    """Connects to the holder. That notifies it of this process, and identifies it."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as call:
        call.setblocking(False)
        try:
            call.connect(name)
            peer = call.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return "another diagnosis"
    pid = struct.unpack("3i", peer)[0]
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            words = [os.fsdecode(word) for word in file.read().split(b"\0") if word]
    except OSError:
        return f"process {pid}"
    return f"process {pid} ({' '.join(words)[:SHOWN_CHARACTERS]})" if words else f"process {pid}"
