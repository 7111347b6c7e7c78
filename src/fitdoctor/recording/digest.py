"""The hash of a regular file. Standard library only, since the probe imports it."""

from __future__ import annotations

import hashlib
import os
import stat

# Above any Python file that someone wrote. A recording may name any file, also one of terabytes that takes no room on
# the disk.
MOST_BYTES = 4 << 20

# What looks like files there is made when it is read, may never end, and may be gone for others once it was read.
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
    """The hash of a file's text; an empty string where it can't be read, is something else, or is larger than
    `MOST_BYTES`.
    """
    try:
        real = os.path.realpath(file)  # a script may be a link
        # Judged before it is opened as well: to open a device can have effects of its own.
        if real.startswith(KERNEL_FOLDERS) or not _is_short_file(os.lstat(real)):
            return ""
        descriptor = os.open(real, READ)
        try:
            found = os.fstat(descriptor)
            if not _is_short_file(found):
                return ""
            data = (
                _read(descriptor) if found.st_size else b""
            )  # the kernel's files say that they are empty, wherever they are mounted
        finally:
            os.close(descriptor)
    except (OSError, ValueError):  # ValueError: a null character in the name
        return ""
    return hashlib.sha256(data).hexdigest() if len(data) <= MOST_BYTES else ""


def _is_short_file(found: os.stat_result) -> bool:
    return stat.S_ISREG(found.st_mode) and found.st_size <= MOST_BYTES


def _read(descriptor: int) -> bytes:
    """All of a file, or one byte more than `MOST_BYTES` of one that grows meanwhile."""
    data = b""
    while part := os.read(descriptor, MOST_BYTES + 1 - len(data)):
        data += part
    return data
