"""Reads and writes single regular files of a bounded size, never through a link."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

# Far above any recording, which takes some hundred kilobytes. Its parsed JSON still fits into the memory of a laptop.
MOST_BYTES = 64 << 20

PRIVATE = 0o600
PRIVATE_FOLDER = 0o700

CHUNK_BYTES = 1 << 20

_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
# Opening a pipe without a writer must not block, and a terminal must not become ours.
_READ = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINK | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def read_regular(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Reads a file that is no link, pipe or device, and not larger than `most_bytes`.

    Raises:
        OSError: It can't be read, or is no such file.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "Its name holds a null character", str(path))
    descriptor = os.open(path, _READ | _NO_LINK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "It is not a regular file", str(path))
        parts, size = [], 0
        # The size of the file may be wrong, so the bytes are counted.
        while part := os.read(descriptor, min(CHUNK_BYTES, most_bytes + 1 - size)):
            parts.append(part)
            size += len(part)
            if size > most_bytes:
                raise OSError(errno.EFBIG, f"It is larger than {most_bytes >> 20} MB", str(path))
        return b"".join(parts)
    finally:
        os.close(descriptor)


def read_named(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Reads a file that the user named, which may be a link.

    Raises:
        OSError: It can't be read, or is no regular file.
    """
    return read_regular(path if "\0" in str(path) else Path(os.path.realpath(path)), most_bytes=most_bytes)


def make_new(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Makes a new file with a given mode, and flushes it to the disk.

    Raises:
        OSError: Something exists there already, even a link, or it can't be written.
    """
    descriptor = os.open(path, _MAKE, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())  # some file systems report only here that they are full
    except OSError:
        path.unlink(missing_ok=True)
        raise


def as_private(path: str, flags: int) -> int:
    """Opens a file for `open(…, opener=as_private)`: only the user can read a new one, and links are refused.

    Raises:
        OSError: It can't be opened.
    """
    return os.open(path, flags | _NO_LINK, PRIVATE)


def make_private_folder(path: Path) -> bool:
    """Makes a folder that only the user can read, with missing parents. Returns whether it is new.

    Raises:
        OSError: It can't be made, or something else is there.
    """
    if not path.parent.exists():
        make_private_folder(path.parent)
    try:
        path.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        return False
    path.chmod(PRIVATE_FOLDER)  # the umask may have removed permissions
    return True


def is_regular(path: Path) -> bool:
    """Returns whether `path` is a regular file: no link, pipe or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (OSError, ValueError):  # ValueError: a null character in it
        return False
