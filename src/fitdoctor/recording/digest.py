"""The hash of a regular file. Standard library only, since the probe imports it."""

from __future__ import annotations

import hashlib
import os
import stat

CHUNK_BYTES = 1 << 20
READ = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def hash_of(file: str) -> str:
    """The hash of a file's text; an empty string where it can't be read, or is something else."""
    state = hashlib.sha256()
    try:
        # A recording may name any file: a pipe that nobody writes to, or a device without an end.
        descriptor = os.open(file, READ)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return ""
            while chunk := os.read(descriptor, CHUNK_BYTES):
                state.update(chunk)
        finally:
            os.close(descriptor)
    except (OSError, ValueError):  # ValueError: a null character in the name
        return ""
    return state.hexdigest()
