"""`report.json`: the report as data, which follows the published schema."""

from __future__ import annotations

import json
from pathlib import Path

from fitdoctor.errors import FitdoctorError
from fitdoctor.regular_files import read_named, read_regular
from fitdoctor.report.model import SCHEMA_VERSION, Report


def to_json(report: Report) -> str:
    """Returns the JSON of a report, indented, in the order of the fields.

    Raises:
        ValueError: A figure is infinite or not a number. A report must not have one.

    Example:
        >>> from_json(to_json(report)) == report
        True
    """
    import msgspec

    text = json.dumps(msgspec.to_builtins(report), allow_nan=False, ensure_ascii=False, indent=2)
    return text.encode("utf-8", "replace").decode()  # file names that are not UTF-8 carry lone surrogates


def from_json(text: str | bytes, *, name: str = "the report") -> Report:
    """Reads a report back.

    Args:
        text: The JSON, as `to_json` returns it.
        name: The name of the report in a message.

    Raises:
        FitdoctorError: It is damaged, not a report, or from another version.
    """
    import msgspec

    try:
        raw = msgspec.json.decode(text)
        version = raw.get("schema_version") if isinstance(raw, dict) else None
        if isinstance(version, int) and version != SCHEMA_VERSION:
            raise FitdoctorError(
                f"Received {name} in schema version {version}; expected version {SCHEMA_VERSION}. "
                "Read it with the fitdoctor that wrote it, or diagnose the script again."
            )
        return msgspec.convert(raw, Report, strict=True)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FitdoctorError(
            f"Received {name}, which is damaged or not a report of fitdoctor ({error}); expected a report.json. "
            "“fitdoctor report RUN -o report.json” writes it again from the recordings."
        ) from None


def load_report(path: str | Path) -> Report:
    """Reads a saved report.

    Args:
        path: A `report.json`, or the folder of a run.

    Raises:
        FitdoctorError: The file does not exist, or it is damaged.

    Example:
        >>> fitdoctor.load_report(".fitdoctor/20260317-101502-train").verdict
        'causes'
    """
    path = Path(path)
    try:
        data = read_regular(path / "report.json") if path.is_dir() else read_named(path)
    except OSError as error:
        raise FitdoctorError(
            f"Could not read {path}: {error.strerror or error}. "
            "Expected a report.json, or the folder of a run that has one."
        ) from None
    return from_json(data, name=str(path))
