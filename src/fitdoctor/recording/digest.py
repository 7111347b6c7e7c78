"""The hash of a file. Standard library only, since the probe imports it."""

from __future__ import annotations

import hashlib

CHUNK_BYTES = 1 << 20


def hash_of(file: str) -> str:
    """The hash of a file's text; an empty string where it can't be read."""
    state = hashlib.sha256()
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 - no pathlib in the script's process
            while chunk := stream.read(CHUNK_BYTES):
                state.update(chunk)
    except OSError:
        return ""
    return state.hexdigest()
