"""Turns what Python gets as a path into absolute paths, without calling anything that is wrapped."""

from __future__ import annotations

import os
import urllib.parse
from typing import Any

from fitdoctor.probe.files import shared_memory

# Folders of devices and processes, where nothing is protected.
SYSTEM_FOLDERS = ("/dev/", "/proc/", "/sys/")


def is_of_system(path: str) -> bool:
    """Returns whether a path is a device or a process. Shared memory is neither: it holds files of users."""
    return path.startswith(SYSTEM_FOLDERS) and not path.startswith(shared_memory.FOLDER)


def is_remote(path: str) -> bool:
    """Returns whether a path is an address, such as gs://bucket/model, which no layer of a file system protects."""
    return "://" in path and not path.startswith("file:")


def real_path(path: str) -> str:
    """Returns the absolute path without links."""
    return path if is_remote(path) else followed(path)


def entry_path(path: str) -> str:
    """Returns the absolute path whose last part may be a link: deleting and renaming act on the link itself."""
    if is_remote(path):
        return path
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(followed(folder), name)


def database_file(database: str) -> str:
    """Returns the file of a database from its name or URI; "" if it is in memory."""
    if database.startswith("file:") and not os.path.exists(database):
        parts = urllib.parse.urlsplit(database)
        if "mode=memory" in parts.query:
            return ""
        database = urllib.parse.unquote(parts.path)
    return "" if database == ":memory:" else database


def only_reads(database: str) -> bool:
    """Returns whether a URI of a database forbids all writes."""
    return database.startswith("file:") and "mode=ro" in database and "immutable=1" in database


def followed(path: str) -> str:
    real = os.path.realpath(path)
    return os.path.join(real, "") if path.endswith(os.sep) and len(path) > 1 else real


def decoded(value: Any) -> str | None:
    if isinstance(value, int) or value is None:
        return None
    try:
        return os.fsdecode(value)
    except TypeError:
        return None


def path_in_folder(value: Any, folder: Any) -> str | None:
    """Returns a path that may be relative to an open folder; None if it is no path or the folder is unknown."""
    path = decoded(value)
    if path is None:
        return path_of_descriptor(value) if isinstance(value, int) else None
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(path):
        above = path_of_descriptor(folder)
        return None if above is None else os.path.join(above, path)
    return path


def path_of_descriptor(descriptor: int) -> str | None:
    """Returns the path of an open file or folder; None if it has none, such as a pipe."""
    try:
        path = os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return _path_by_fcntl(descriptor)
    return path if path.startswith("/") and not path.endswith(" (deleted)") else None


def _path_by_fcntl(descriptor: int) -> str | None:
    try:
        import fcntl

        return os.fsdecode(fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0"))  # type: ignore[attr-defined]
    except (ImportError, AttributeError, OSError):  # neither Linux nor macOS
        return None
