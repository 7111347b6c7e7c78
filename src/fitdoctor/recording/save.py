"""Writes the recordings of a run to `run.json`: data that any tool can read, never code."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import Run
from fitdoctor.recording.plain import plain
from fitdoctor.regular_files import PRIVATE, make_new

# Less what the user's mask takes from it, as for any file that a program is told to write.
ORDINARY = 0o666

# Of a temporary file's name that is taken over: file systems end at 255 bytes.
NAME_LENGTH = 200


def save_run(run: Run, path: Path) -> None:
    """Writes `run` to `path`, all or nothing: a reader finds the old file or the new one, whenever we are stopped.

    Raises:
        FitdoctorError: The file can't be written, e.g. on a full disk. The old one is still there.

    Example:
        >>> save_run(run, folder.run_file)
    """
    write_atomically(path, encode_run(run), private=True)


def encode_run(run: Run) -> bytes:
    """Gives the JSON of `run`.

    What JSON has no word for (other objects, infinity) is described as well as it can be.
    """
    import msgspec

    return msgspec.json.encode(plain(asdict(run)))


def write_atomically(path: Path, data: bytes, *, private: bool = False) -> None:
    """Puts `data` into `path` through a temporary file beside it.

    Args:
        path: Where to; a link there is replaced, not followed.
        data: What to write.
        private: Whether nobody else may read it, whatever the user's mask says.

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
