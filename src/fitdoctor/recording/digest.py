"""The hash of a regular file. Standard library only, since the probe imports it."""

from __future__ import annotations

import hashlib
import os
import stat

# Larger than any Python file. A recording may name any file, also a sparse one of terabytes.
MOST_BYTES = 4 << 20

# Files there are made when they are read. They may never end, and reading them may take data from others.
KERNEL_FOLDERS = ("/proc/", "/sys/", "/dev/")

READ = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)


def hash_of(file: str) -> str:
    """The hash of a file's text. Empty if it is no readable regular file of at most `MOST_BYTES`."""
    try:
        real = os.path.realpath(file)  # a script may be a link
        # Checked before it is opened, because opening a device can have effects.
        if real.startswith(KERNEL_FOLDERS) or not _is_short_file(os.lstat(real)):
            return ""
        descriptor = os.open(real, READ)
        try:
            found = os.fstat(descriptor)
            if not _is_short_file(found):
                return ""
            data = _read(descriptor) if found.st_size else b""  # files of the kernel have the size 0
        finally:
            os.close(descriptor)
    except (OSError, ValueError):  # ValueError: a null character in the name
        return ""
    return hashlib.sha256(data).hexdigest() if len(data) <= MOST_BYTES else ""


def _is_short_file(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES


def _read(descriptor: int) -> bytes:
    """The whole file, or one byte more than `MOST_BYTES` if it grows meanwhile."""
    data = b""
    while part := os.read(descriptor, MOST_BYTES + 1 - len(data)):
        data += part
    return data
