"""`fitdoctor watch`: measures a real training and changes nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from fitdoctor.cli.formats import output_option, show, write
from fitdoctor.cli.say import say
from fitdoctor.errors import FitdoctorError

if TYPE_CHECKING:
    from fitdoctor.recording.folder import RunFolder
    from fitdoctor.recording.model import Run


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--python", metavar="PATH", help="The interpreter of the training; the default is the one that runs fitdoctor."
)
@output_option
@click.option("-q", "--quiet", is_flag=True, help="Show no report; “fitdoctor report” shows it later.")
@click.option("-m", "as_module", is_flag=True, help="TARGET is a module, as for python -m.")
@click.option("-c", "as_code", is_flag=True, help="TARGET is code, as for python -c.")
@click.argument("target")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def command(
    *,
    python: str | None,
    outputs: tuple[str, ...],
    quiet: bool,
    as_module: bool,
    as_code: bool,
    target: str,
    arguments: tuple[str, ...],
) -> None:
    """Runs a real training and reports where its time goes.

    TARGET is a Python script. All arguments after it belong to the script, even those that look like our options. The
    script computes, prints and saves the same as without fitdoctor. The report comes at the end, on stderr, also after
    an error or Ctrl-C. No fix is tried: “fitdoctor diagnose RUN” does that afterwards.

    Recordings are kept in FITDOCTOR_DIR if it is set, else in .fitdoctor at the root of the project, else in your state
    folder.

    Exit code: that of the script. If a signal ended the script, the same signal ends fitdoctor.
    """
    from fitdoctor.cli.target import check_target, find_python, mode_of
    from fitdoctor.process.supervisor import end_like
    from fitdoctor.recording.folder import create
    from fitdoctor.watching.request import WatchRequest
    from fitdoctor.watching.session import watch

    mode = mode_of(as_module=as_module, as_code=as_code)
    interpreter = find_python(python)
    name = check_target(target, mode, interpreter)
    folder: RunFolder | None = None
    try:
        folder = create(name)
    except FitdoctorError as error:
        say(f"{error} The training runs without being recorded.")
    request = WatchRequest(target=target, arguments=arguments, mode=mode, python=interpreter, folder=folder)
    if folder is not None and folder.note and not quiet:
        say(folder.note)
    watched = watch(request)
    try:
        if watched.problem:
            say(watched.problem)
        if watched.run is not None and folder is not None:
            _hand_over(watched.run, folder, outputs, quiet=quiet, unwritten=watched.unwritten)
    except KeyboardInterrupt:
        say(f"Interrupted before the report was ready. “fitdoctor report {folder.shown if folder else ''}” shows it.")
    except Exception as error:  # noqa: BLE001 - the exit code of the training matters more
        say(
            f"The report could not be made: {error}"
            if isinstance(error, FitdoctorError)
            else f"{type(error).__name__}: {error}"
        )
    finally:
        if folder is not None:
            folder.remove_if_empty()
    end_like(watched.code)


def _hand_over(run: Run, folder: RunFolder, outputs: tuple[str, ...], *, quiet: bool, unwritten: str) -> None:
    from dataclasses import replace

    from fitdoctor.analysis import build
    from fitdoctor.facts.measured_units import has_measured_units
    from fitdoctor.facts.other_processes import why_not_observed
    from fitdoctor.recording.save import write_atomically
    from fitdoctor.report.json import to_json

    assert run.watched is not None
    if not has_measured_units(run.watched):
        nothing = "No step of a fit was recorded, so there is nothing to report."
        if unwritten:
            nothing = f"The recording could not be written ({unwritten}), so there is nothing to report."
        say(" ".join([*run.watched.limits, nothing, why_not_observed(run.watched)]).strip())
        return
    report = replace(build(run), run=folder.shown if folder.run_file.exists() else "")
    try:
        if not quiet:
            show(report, sys.stderr)
    finally:
        write_atomically(folder.report_file, to_json(report).encode(), private=True)
        write(report, outputs)
