"""Reads recordings. Damaged or foreign ones, and other versions, end with a clear message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.model import VERSION, ProcessRecord, Run
from fitdoctor.regular_files import MOST_BYTES, read_regular

if TYPE_CHECKING:
    from collections.abc import Mapping

# Keys of every recording. All fields have defaults, so any JSON object would count as a recording without this check.
MARKS = ("version", "fitdoctor", "script", "scout", "rehearsals")

AGAIN = "Diagnose the script again, or give another run."

GZIP_MARK = b"\x1f\x8b"

T = TypeVar("T")


def load_run(path: Path) -> Run:
    """Reads `run.json`.

    Raises:
        FitdoctorError: The file is missing, damaged, not a recording, or from another version.

    Example:
        >>> run = load_run(folder.run_file)
    """
    return decode_run(read_recording(path), name=str(path))


def read_recording(path: Path) -> bytes:
    """Reads the JSON of a recording, and unpacks it.

    It may come from anyone, so only a regular file of a bounded size is read, and no link.

    Raises:
        FitdoctorError: There is no such file.
    """
    try:
        return _unpacked(read_regular(path), path)
    except OSError as error:
        problem = f"Could not read {path}: {error.strerror or error}. Expected the recording of a run."
        raise FitdoctorError(f"{problem} {AGAIN}") from None


def decode_run(data: bytes, *, name: str = "the recording") -> Run:
    """Reads a run from the bytes that `recording.save.encode_run` made.

    Args:
        data: JSON.
        name: Its name in a message.

    Raises:
        FitdoctorError: It is damaged, not a recording, or from another version.
    """
    raw = _mapping(data, name)
    missing = [mark for mark in MARKS if mark not in raw]
    if missing:
        raise FitdoctorError(
            f"Received {name}, which has no “{missing[0]}”; expected a recording of fitdoctor. {AGAIN}"
        )
    _check_version(raw, name, f"fitdoctor {raw['fitdoctor']}" if raw["fitdoctor"] else "another fitdoctor")
    return _convert(raw, Run, name)


def decode_scout(data: bytes, *, name: str = "the scout's recording") -> ProcessRecord:
    """Reads the recording of a scout.

    Raises:
        FitdoctorError: It is damaged or from another version.
    """
    return _decode_part(data, ProcessRecord, name)


def _unpacked(data: bytes, path: Path) -> bytes:
    """The unpacked data of a `.gz` file. A bundle comes from someone else, so its size is bounded."""
    if not data.startswith(GZIP_MARK):
        return data
    import gzip
    import io
    import zlib

    try:
        with gzip.open(io.BytesIO(data)) as file:
            whole = file.read(MOST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FitdoctorError(
            f"Received {path}, which is damaged ({error}); expected a whole recording. {AGAIN}"
        ) from None
    if len(whole) > MOST_BYTES:
        raise FitdoctorError(
            f"Received {path}, which unpacks to more than {MOST_BYTES >> 20} MB; expected a recording. {AGAIN}"
        )
    return whole


def _decode_part(data: bytes, kind: type[T], name: str) -> T:
    raw = _mapping(data, name)
    _check_version(raw, name, "another fitdoctor")
    return _convert(raw, kind, name)


def _mapping(data: bytes, name: str) -> Mapping[str, Any]:
    import msgspec

    try:
        raw = msgspec.json.decode(data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FitdoctorError(f"Received {name}, which is damaged ({error}); expected JSON. {AGAIN}") from None
    if not isinstance(raw, dict):
        raise FitdoctorError(
            f"Received {name}, which holds a {type(raw).__name__}; expected a recording of fitdoctor. {AGAIN}"
        )
    return raw


def _check_version(raw: Mapping[str, Any], name: str, writer: str) -> None:
    parts = [raw, raw.get("scout"), raw.get("watched"), *_items(raw.get("rehearsals"))]
    for version in (part.get("version") for part in parts if isinstance(part, dict)):
        if version == VERSION and type(version) is int:
            continue
        how = "Update fitdoctor to read it." if isinstance(version, int) and version > VERSION else AGAIN
        raise FitdoctorError(
            f"Received {name} in version {version!r}, written by {writer}; expected version {VERSION}. {how}"
        )


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _convert(raw: Mapping[str, Any], kind: type[T], name: str) -> T:
    import msgspec

    try:
        return msgspec.convert(raw, kind, strict=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        problem = f"Received {name}, which does not fit together ({error}); expected a whole recording."
        raise FitdoctorError(f"{problem} {AGAIN}") from None
