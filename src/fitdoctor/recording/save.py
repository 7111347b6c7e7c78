"""Writes the recordings of a run to `run.json`: data that any tool can read, never code."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import Run

LARGEST_INTEGER = 2**63 - 1
"""What every JSON reader takes as an integer; the attributes of a user's callback can be larger, a seed for instance."""


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

    return msgspec.json.encode(_plain(asdict(run)))


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


def _plain(value: Any) -> Any:
    """Turns what a user's objects may hold into what JSON can say, rather than losing a recording over one attribute."""
    match value:
        case bool() | None:
            return value
        case str():
            return value.encode("utf-8", "backslashreplace").decode()  # file names that are not UTF-8 carry lone surrogates
        case int():
            return int(value) if -LARGEST_INTEGER <= value <= LARGEST_INTEGER else str(value)
        case float():
            return float(value) if math.isfinite(value) else None
        case dict():
            return {_plain(str(key)): _plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_plain(item) for item in value]
        case _:
            return _plain(repr(value))
