"""Finds the hosts that processes are connected to, by any library.

Reads `/proc/PID/fd` and `/proc/net/tcp`, see proc(5). Connections that are shorter than the time between two readings
are missed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ESTABLISHED, CONNECTING, LISTENING = 1, 2, 10
TABLES = {"/proc/net/tcp": socket.AF_INET, "/proc/net/tcp6": socket.AF_INET6}
# Columns of `/proc/net/tcp`.
LOCAL, REMOTE, STATE, INODE = 1, 2, 3, 9
MAPPED = "::ffff:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """One line of a table: both ends as host and port, the state, and the inode of the socket."""

    local: str
    remote: str
    state: int
    inode: int


def hosts(processes: Iterable[int]) -> set[str]:
    """Returns the hosts and ports that some processes are connected to, without connections among them.

    Example:
        >>> hosts([os.getpid()])
        {'192.0.2.7:5432'}
    """
    own = {inode for process in processes for inode in _sockets(process)}
    if not own:
        return set()
    return remote_ends([row for path, family in TABLES.items() for row in _table(path, family)], own)


def remote_ends(table: Iterable[Connection], own: set[int]) -> set[str]:
    """Returns the remote ends of connections that the sockets in `own` opened, without those among themselves."""
    mine = [row for row in table if row.inode in own]
    here = {row.local for row in mine}
    listening = {_port(row.local) for row in mine if row.state == LISTENING}
    opened = (row for row in mine if row.state in (ESTABLISHED, CONNECTING) and _port(row.local) not in listening)
    return {row.remote for row in opened if row.remote not in here and _port(row.remote) not in listening}


def rows(text: str, family: int) -> Iterator[Connection]:
    """Parses one of `TABLES`.

    Example:
        >>> next(rows(open("/proc/net/tcp").read(), socket.AF_INET)).state
        10
    """
    for line in text.splitlines()[1:]:
        words = line.split()
        with contextlib.suppress(IndexError, ValueError, OSError, struct.error):
            local, remote = (_address(words[place], family) for place in (LOCAL, REMOTE))
            yield Connection(local=local, remote=remote, state=int(words[STATE], 16), inode=int(words[INODE]))


def _table(path: str, family: int) -> list[Connection]:
    try:
        with open(path, encoding="ascii") as file:
            return list(rows(file.read(), family))
    except OSError:
        return []


def _address(word: str, family: int) -> str:
    """Decodes host and port from hexadecimal; each group of four bytes has the byte order of the processor."""
    packed, _, port = word.partition(":")
    data = bytes.fromhex(packed)
    host = socket.inet_ntop(family, struct.pack(f">{len(data) // 4}I", *struct.unpack(f"={len(data) // 4}I", data)))
    host = host.removeprefix(MAPPED)
    return f"[{host}]:{int(port, 16)}" if ":" in host else f"{host}:{int(port, 16)}"


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _sockets(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError), os.scandir(f"/proc/{process}/fd") as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                name = os.readlink(entry.path)
                if name.startswith("socket:["):
                    yield int(name[8:-1])
