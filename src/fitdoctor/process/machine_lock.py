"""Lets two diagnoses on one machine know of each other: each disturbs what the other one times."""

from __future__ import annotations

import os
import socket
import struct
import sys
from contextlib import suppress

#: A name that the kernel keeps for all users of the machine, and gives back when its holder ends, however that ends.
#: See unix(7).
NAME = "\0fitdoctor-diagnosis"
#: More than these at once are not counted.
MOST_OTHERS = 16
WORDS_SHOWN = 160


class MachineLock:
    """Held by one diagnosis of the machine at a time. Does nothing where there are no such names.

    Attributes:
        holder: Who held it when this one began: its command line, or ""; "another user" where the system does not tell
            that.

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
        """Lets go of it; returns whether others began meanwhile."""
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
    """Calls on the holder, which tells it that there is somebody else, and tells us who it is."""
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
    return f"process {pid} ({' '.join(words)[:WORDS_SHOWN]})" if words else f"process {pid}"
