"""`fitdoctor report`: analyses a saved run again and renders it, without running anything."""

from __future__ import annotations

import sys

import click

from fitdoctor.cli.formats import output_option, show, write


@click.command()
@click.argument("run", default="last")
@output_option
def command(run: str, outputs: tuple[str, ...]) -> None:
    """Shows a saved run again, from its recordings. Nothing is run.

    RUN is the folder of a run, its name, a file from "fitdoctor bundle", or "last" (the default).
    """
    from dataclasses import replace

    from fitdoctor.analysis import build
    from fitdoctor.recording.folder import find_recording
    from fitdoctor.recording.signature import load_recording

    path, shown = find_recording(run)
    recording = load_recording(path)
    report = replace(build(recording.run), run=shown)
    ran_in = recording.run.cwd if recording.is_own else ""  # a foreign one must not choose files to look for
    show(report, sys.stdout, ran_in=ran_in)
    write(report, outputs, ran_in=ran_in)
