"""The files that a child made itself. It may change or delete only these.

The child and its workers share one list, a file with a line of JSON for each path. So a killed process loses nothing,
and the parent can clean up after it. `[path, device, inode]` is a new file, `[path]` a file that the child deleted.
"""

from __future__ import annotations

import json
import os
from os import lstat, read
from os import open as open_descriptor

from fitdoctor.probe.support.originals import threading

# Paths that are remembered. Later ones count as not made by the child, so they are protected.
MOST = 100_000

Identity = tuple[int, int]


class Unguarded(threading.local):
    """Whether this thread runs code of fitdoctor: the guard and the private copies ignore it then.

    Example:
        >>> with unguarded:
        ...     shutil.copy2(real, private)
    """

    depth = 0

    def __enter__(self) -> None:
        self.depth += 1

    def __exit__(self, *_: object) -> None:
        self.depth -= 1


unguarded = Unguarded()


class _New(threading.local):
    """The paths that this thread is about to make."""

    def __init__(self) -> None:
        self.paths: list[str] = []


class MadeFiles:
    """Remembers the paths that were made, and checks whether the same files are still there.

    Args:
        list_file: The list for workers and the parent; "" keeps the paths in this process.
    """

    def __init__(self, list_file: str = "") -> None:
        self.list_file = list_file
        self._paths: dict[str, Identity | None] = {}
        self._new = _New()
        self._offset = 0
        self._rest = b""

    def add(self, path: str) -> None:
        """Adds a path at which this process is about to make something. Nothing is there yet.

        Args:
            path: An absolute path without links.
        """
        if path in self._paths or len(self._paths) < MOST:
            self._paths[path] = None
            self._new.paths.append(path)

    def list_new_files(self) -> None:
        """Lists the files that were made since the last call, with their identities."""
        new, self._new.paths = self._new.paths, []
        for path in new:
            if self._paths.get(path, ()) is None and self._made(path):
                self._list(path, *(self._paths[path] or ()))

    def forget(self, path: str) -> None:
        """Removes a path that the child is about to delete: a later file there may belong to another process."""
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
        """Returns whether the child made the file at `path`, or a folder above it."""
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
        return identity == (found.st_dev, found.st_ino)  # else another process replaced it

    def _read_others(self) -> bool:
        """Reads what other processes listed since the last call. Returns whether there was anything."""
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
