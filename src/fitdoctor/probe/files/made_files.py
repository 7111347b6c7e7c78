"""What a child made on disk itself: only that may it change or delete.

One list serves the child and its workers. It is a file of JSON, a line for each path, so that a process that is killed
loses nothing, and that the parent can clean up after it: `[path, device, inode]` for what was made, `[path]` for what
the child took away again.
"""

from __future__ import annotations

import json
import os
from os import lstat, read
from os import open as open_descriptor

from fitdoctor.probe.support.originals import threading

MOST = 100_000
"""Paths that are kept. What comes after them counts as not made by us: it is protected, which is the safe side."""

Identity = tuple[int, int]


class Ours(threading.local):
    """Whether fitdoctor itself is at work in this thread: then neither the guard nor the private copies stand in its
    way.

    Example:
        >>> with ours:
        ...     shutil.copy2(real, private)
    """

    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


ours = Ours()


class _New(threading.local):
    """What this thread is about to make: another one does not know yet whether it is there."""

    def __init__(self) -> None:
        self.paths: list[str] = []


class MadeFiles:
    """Remembers paths that were made, and tells whether what lies there now is still that.

    Args:
        list_file: Where they are listed for workers and for the parent; "" keeps them in this process alone.
    """

    def __init__(self, list_file: str = "") -> None:
        self.list_file = list_file
        self._paths: dict[str, Identity | None] = {}
        self._new = _New()
        self._offset = 0
        self._rest = b""

    def add(self, path: str) -> None:
        """Notes a path at which this process is about to make something: nothing of anybody else's lies there.

        Args:
            path: Absolute, with no link in it.
        """
        if path in self._paths or len(self._paths) < MOST:
            self._paths[path] = None
            self._new.paths.append(path)

    def settle(self) -> None:
        """Lists what was made since the last time:

        by now it is there, and can be told from what somebody puts in its place.
        """
        new, self._new.paths = self._new.paths, []
        for path in new:
            if self._paths.get(path, ()) is None and self._made(path):
                self._list(path, *(self._paths[path] or ()))

    def forget(self, path: str) -> None:
        """Notes that the child is about to take away what it made: what comes to lie there later may be anybody's."""
        if self._paths.pop(path, ()) != ():
            self._list(path)

    def _list(self, *line: str | int) -> None:
        if not self.list_file:
            return
        try:
            descriptor = open_descriptor(self.list_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                os.write(descriptor, json.dumps(line).encode() + b"\n")
            finally:
                os.close(descriptor)
        except OSError:
            pass

    def holds(self, path: str) -> bool:
        """Whether we made what lies at `path`, or a folder above it."""
        if self._made(path):
            return True
        if self._read_others() and self._made(path):
            return True
        above = os.path.dirname(path)
        while above != os.path.dirname(above):
            if above in self._paths and self._made(above):
                return True
            above = os.path.dirname(above)
        return False

    def _made(self, path: str) -> bool:
        if path not in self._paths:
            return False
        try:
            found = lstat(path)
        except OSError:
            return False
        identity = self._paths[path]
        if identity is None:
            self._paths[path] = (found.st_dev, found.st_ino)
            return True
        return identity == (found.st_dev, found.st_ino)  # or else somebody put another one in its place

    def _read_others(self) -> bool:
        """Learns what other processes of this diagnosis listed since the last time; True where there was something."""
        if not self.list_file:
            return False
        try:
            descriptor = open_descriptor(self.list_file, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            if os.fstat(descriptor).st_size <= self._offset:
                return False
            os.lseek(descriptor, self._offset, os.SEEK_SET)
            while part := read(descriptor, 1 << 16):
                self._offset += len(part)
                self._rest += part
        finally:
            os.close(descriptor)
        *lines, self._rest = self._rest.split(b"\n")
        for line in lines:
            try:
                path, *identity = json.loads(line)
            except (ValueError, TypeError):
                continue
            if identity and len(self._paths) < MOST:
                self._paths[path] = (identity[0], identity[1])
            elif not identity:
                self._paths.pop(path, None)
        return True
