"""`fitdoctor compare`: two runs side by side."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fitdoctor.cli.terminal import OutputStyle
from fitdoctor.errors import FitdoctorError

if TYPE_CHECKING:
    from fitdoctor.report.compare import Comparison, Side

FORMATS = (".json", ".txt")


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("-o", "--output", metavar="FILE", help="Also write the comparison to FILE (.json, .txt).")
def command(a: str, b: str, output: str | None) -> None:
    """Compares two runs: their time, its parts, their causes.

    A and B are folders of runs, their names, report.json files, or files from "fitdoctor bundle". Differences that make
    the comparison unfair come first: another machine, other versions, more data. It compares one run with one run, so
    it proves nothing.

    Exit code: 0 if both could be read, 2 if one could not.
    """
    from fitdoctor.recording.save import write_atomically
    from fitdoctor.report.compare import compare
    from fitdoctor.report.text_compare import render_comparison

    if output is not None and Path(output).suffix not in FORMATS:
        raise FitdoctorError(f"Received “-o {output}”; expected a name that ends in {' or '.join(FORMATS)}.")
    comparison = compare(_side(a), _side(b))
    style = OutputStyle.for_stream(sys.stdout)
    text = render_comparison(comparison, width=style.width, color=style.color, ascii_only=style.ascii_only)
    click.echo(text, nl=False, color=style.color)
    if output is not None:
        path = Path(output)
        write_atomically(
            path, (_json(comparison) if path.suffix == ".json" else render_comparison(comparison)).encode()
        )


def _side(given: str) -> Side:
    """Reads a report, or analyses the recordings of a run again.

    Raises:
        FitdoctorError: It is neither.
    """
    from fitdoctor.analysis import build
    from fitdoctor.recording.folder import expanded, find_recording
    from fitdoctor.recording.load import load_run
    from fitdoctor.regular_files import read_named
    from fitdoctor.report.compare import Side
    from fitdoctor.report.json import from_json

    path = expanded(given)
    if os.path.isfile(path):  # noqa: PTH113 - a Path raises where the folder may not be entered
        try:
            data = read_named(path)
        except OSError as error:
            raise FitdoctorError(
                f"Could not read {path}: {error.strerror or error}. Expected a report.json or a run."
            ) from None
        if _is_report(data):
            return Side(name=given, report=from_json(data, name=given))
    recording, shown = find_recording(given)
    return Side(name=shown, report=build(load_run(recording)))


def _is_report(data: bytes) -> bool:
    try:
        raw = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return isinstance(raw, dict) and "schema_version" in raw


def _json(comparison: Comparison) -> str:
    import msgspec

    return json.dumps(msgspec.to_builtins(comparison), allow_nan=False, ensure_ascii=False, indent=2) + "\n"
