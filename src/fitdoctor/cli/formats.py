"""`-o FILE`: the report in the format that the file's extension names."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

import click

from fitdoctor.cli.look import Look
from fitdoctor.errors import FitdoctorError
from fitdoctor.report.model import Report

STDOUT = "-"


def _json(report: Report) -> str:
    from fitdoctor.report.json import to_json

    return to_json(report) + "\n"


def _text(report: Report) -> str:
    from fitdoctor.report.text import render

    return render(report)


FORMATS: Mapping[str, Callable[[Report], str]] = {".json": _json, ".txt": _text}
"""Renderers by extension. A new format is one line here."""


def output_option(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `-o FILE` to a command, as its argument `outputs`."""
    return click.option(
        "-o",
        "--output",
        "outputs",
        metavar="FILE",
        multiple=True,
        callback=_checked,
        help=f"Also write the report to FILE ({', '.join(FORMATS)}); '-' is the terminal. May be repeated.",
    )(function)


def show(report: Report, stream: TextIO | None) -> None:
    """Prints the report on a stream, where there is one: a process may be started without.

    Raises:
        FitdoctorError: It goes to a file on a full disk.
    """
    from fitdoctor.report.text import render

    if stream is None:
        return
    look = Look.of(stream)
    text = render(report, width=look.width, color=look.color, ascii_only=look.ascii_only)
    try:
        click.echo(text, file=stream, nl=False, color=look.color)
    except BrokenPipeError:
        raise
    except OSError as error:
        kept = f" “fitdoctor report {report.run}” shows it again." if report.run else ""
        raise FitdoctorError(f"Could not print the report: {error.strerror or error}. Free some space.{kept}") from None


def write(report: Report, outputs: tuple[str, ...]) -> None:
    """Writes the report to every file that was asked for.

    Raises:
        FitdoctorError: One of them can't be written.
    """
    from fitdoctor.recording.save import write_atomically

    for output in outputs:
        if output != STDOUT:
            path = Path(output)
            write_atomically(path, FORMATS[path.suffix.lower()](report).encode())


def _no_folder(path: Path) -> str:
    """Why nothing can be made in a path: it is no folder, or one on the way to it is none."""
    file = next((each for each in (path, *path.parents) if each.is_file()), None)
    return f"{file} is a file, not a folder" if file is not None else f"{path} does not exist"


def _checked(_context: click.Context, _parameter: click.Parameter, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Refuses at once what would fail after two minutes of trials."""
    for output in outputs:
        if output == STDOUT:
            continue
        path = Path(output)
        if path.suffix.lower() not in FORMATS:
            given = f"the extension “{path.suffix}”" if path.suffix else "no extension"
            raise FitdoctorError(
                f"Received “-o {output}” with {given}; expected one of {', '.join(FORMATS)}, or “-” for the terminal. "
                f"For instance “-o {path.stem or 'report'}.json”."
            )
        parent = path.absolute().parent
        if path.is_dir() or not parent.is_dir():
            problem = "which is a directory" if path.is_dir() else f"but {_no_folder(parent)}"
            raise FitdoctorError(f"Received “-o {output}”, {problem}; expected a file in a folder that exists.")
        if not os.access(parent, os.W_OK):
            raise FitdoctorError(f"Received “-o {output}”, but {parent} can't be written. Choose another folder.")
    return outputs
