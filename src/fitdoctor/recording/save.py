"""Writes the recordings of a run to `run.json`, as JSON without code."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import Run
from fitdoctor.recording.plain import plain
from fitdoctor.regular_files import PRIVATE, make_new

# The mode of an ordinary file, before the user's mask.
ORDINARY = 0o666

# Characters of the name that a temporary file's name takes over: file systems end at 255 bytes.
NAME_LENGTH = 200


def save_run(run: Run, path: Path) -> None:
    """Writes `run` to `path` atomically: a reader finds the old file or the new one.

    Raises:
        FitdoctorError: The file can't be written, e.g. on a full disk. The old file stays.

    Example:
        >>> save_run(run, folder.run_file)
    """
    write_atomically(path, encode_run(run), private=True)


def encode_run(run: Run) -> bytes:
    """The JSON of `run`. Values that JSON does not have (objects, infinity) are described."""
    import msgspec

    return msgspec.json.encode(plain(asdict(run)))


def write_atomically(path: Path, data: bytes, *, private: bool = False) -> None:
    """Writes `data` to `path` through a temporary file beside it.

    Args:
        path: The target. A link there is replaced, not followed.
        data: The content.
        private: Whether only this user may read it, whatever their mask is.

    Raises:
        FitdoctorError: The file can't be written.
    """
    temporary = path.with_name(f".{path.name[:NAME_LENGTH]}.{os.getpid()}-{os.urandom(4).hex()}")
    try:
        try:
            make_new(temporary, data, mode=PRIVATE if private else ORDINARY)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise FitdoctorError(
            f"Could not write {path}: {error.strerror or error}. Expected a folder with room for "
            f"{len(data) // 1024 + 1} kB. "
            "Free some space or choose another place."
        ) from None
