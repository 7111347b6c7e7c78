"""Writes the recordings of a run to `run.json`: data that any tool can read, never code."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import Run
from fitdoctor.recording.plain import plain


def save_run(run: Run, path: Path) -> None:
    """Writes `run` to `path`, all or nothing: a reader finds the old file or the new one, whenever we are stopped.

    Raises:
        FitdoctorError: The file can't be written, e.g. on a full disk. The old one is still there.

    Example:
        >>> save_run(run, folder.run_file)
    """
    write_atomically(path, encode_run(run))


def encode_run(run: Run) -> bytes:
    """Gives the JSON of `run`. What JSON has no word for (other objects, infinity) is described as well as it can be."""
    import msgspec

    return msgspec.json.encode(plain(asdict(run)))


def write_atomically(path: Path, data: bytes) -> None:
    """Puts `data` into `path` through a temporary file beside it.

    Raises:
        FitdoctorError: The file can't be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        raise FitdoctorError(
            f"Could not write {path}: {error.strerror or error}. Expected a folder with room for {len(data) // 1024 + 1} kB. "
            "Free some space or choose another place."
        ) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
