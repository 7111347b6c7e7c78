"""`fitdoctor watch`: a real training to its end, only observed."""

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
    "--python", metavar="PATH", help="The interpreter of the training; by default the one that runs fitdoctor."
)
@output_option
@click.option("-q", "--quiet", is_flag=True, help="No report on stderr; “fitdoctor report” shows it.")
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
    """Runs a training for real and says where its time went.

    TARGET is a Python script; all that follows it belongs to the script, even what looks like an option of ours. It
    computes, prints and saves what it would without us. The report comes at the end, on stderr, also after an error or
    Ctrl-C. Nothing is tried: “fitdoctor diagnose RUN” goes on from what was seen.

    Recordings are kept in FITDOCTOR_DIR if that is set, else in .fitdoctor at the root of the project, else in your
    state folder.

    Ends with the script's own exit code, or by the signal that ended the script.
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
        say(
            f"Interrupted while the report was made. “fitdoctor report {folder.shown if folder else ''}” makes it again."
        )
    except Exception as error:  # noqa: BLE001 - whatever fails in a report, the training's own ending is what the caller waits for
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
    from fitdoctor.process.exit_messages import learned_something
    from fitdoctor.recording.save import write_atomically
    from fitdoctor.report.json import to_json
    from fitdoctor.trials.other_processes import unseen

    assert run.watched is not None
    if not learned_something(run.watched):
        nothing = "No step of a fit was seen, so there is nothing to report."
        if unwritten:
            nothing = f"What was recorded could not be written ({unwritten}), so there is nothing to report."
        say(" ".join([*run.watched.limits, nothing, unseen(run.watched)]).strip())
        return
    report = replace(build(run), run=folder.shown if folder.run_file.exists() else "")
    try:
        if not quiet:
            show(report, sys.stderr)
    finally:
        write_atomically(folder.report_file, to_json(report).encode(), private=True)
        write(report, outputs)
