"""`fitdoctor diagnose`: the main job, from an unmodified script to a tried fix."""

from __future__ import annotations

import math
import os
import sys
from contextlib import AbstractContextManager, chdir, nullcontext
from typing import TYPE_CHECKING

import click

from fitdoctor.cli.consent import require_consent, yes_option
from fitdoctor.cli.formats import output_option, show, write
from fitdoctor.cli.say import say
from fitdoctor.errors import FitdoctorError

if TYPE_CHECKING:
    from pathlib import Path

    from fitdoctor.diagnosis.progress import Progress
    from fitdoctor.process.request import DiagnoseRequest
    from fitdoctor.recording.folder import RunFolder
    from fitdoctor.report.model import Report

DEFAULT_BUDGET_S = 120.0
"""Two minutes: what most people wait for an answer without leaving."""
DEFAULT_RACE_BUDGET_S = 60.0
"""Half as much again, and only where a remedy changes the training:

three runs of some ten seconds, with and without it.
"""


def _positive(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise click.BadParameter(f"received {value:g}, expected seconds above 0, for instance {DEFAULT_BUDGET_S:g}.")
    return value


def _not_negative(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    if not (math.isfinite(value) and value >= 0):
        raise click.BadParameter(
            f"received {value:g}, expected seconds from 0 on, for instance {DEFAULT_RACE_BUDGET_S:g}."
        )
    return value


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--budget",
    type=float,
    default=DEFAULT_BUDGET_S,
    show_default=True,
    callback=_positive,
    metavar="SECONDS",
    help="How long to look and to try, start-ups of the script included.",
)
@click.option(
    "--race-budget",
    type=float,
    default=DEFAULT_RACE_BUDGET_S,
    show_default=True,
    callback=_not_negative,
    metavar="SECONDS",
    help="How long to race remedies that change the training, beside --budget; 0 for no races.",
)
@click.option(
    "--python", metavar="PATH", help="The interpreter of the training; by default the one that runs fitdoctor."
)
@click.option("--allow-writes", is_flag=True, help="Let the tried script overwrite and delete existing files.")
@click.option(
    "--stdin",
    "reads_stdin",
    is_flag=True,
    help="Give a copy of standard input to the script each time; else it reads nothing.",
)
@yes_option
@click.option("--offline", is_flag=True, help="Let the tried script connect to no other machine.")
@output_option
@click.option("-q", "--quiet", is_flag=True, help="No progress, only the report.")
@click.option("-m", "as_module", is_flag=True, help="TARGET is a module, as for python -m.")
@click.option("-c", "as_code", is_flag=True, help="TARGET is code, as for python -c.")
@click.argument("target")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def command(
    *,
    budget: float,
    race_budget: float,
    python: str | None,
    allow_writes: bool,
    reads_stdin: bool,
    yes: bool,
    offline: bool,
    outputs: tuple[str, ...],
    quiet: bool,
    as_module: bool,
    as_code: bool,
    target: str,
    arguments: tuple[str, ...],
) -> None:
    """Finds out why a training is slow and tries what makes it fast.

    TARGET is a Python script; all that follows it belongs to the script, even what looks like an option of ours.
    Nothing in the script is changed, and nothing that it has saved is overwritten: what it writes goes to a scratch
    layer, which is removed. Where the system allows none, Python guards the files, and the report says so. The report
    goes to stdout, progress to stderr, what the script prints to a log beside the recordings.

    The script runs several times, each time in part. Each run does what the script does: it connects to where the
    script connects, sends what the script sends, and starts the programs that the script starts. The report lists that.
    --offline keeps the runs from connecting to other machines.

    TARGET may also be the folder of a run of “fitdoctor watch”, or of an earlier diagnosis: its script is diagnosed, as
    it was started then, and what was watched of it is made use of. What such a recording runs is shown first; where you
    have not recorded it on this machine, only with --yes.

    Recordings are kept in FITDOCTOR_DIR if that is set, else in .fitdoctor at the root of the project, else in your
    state folder.

    Ends with 0 for a verdict, 2 where none is possible, 130 on Ctrl-C.
    """
    from fitdoctor.cli.progress import progress_on
    from fitdoctor.cli.resume import is_run, resumed
    from fitdoctor.cli.target import check_target, find_python, mode_of
    from fitdoctor.process.request import LAYER_SWITCH, OPTIONS, DiagnoseRequest
    from fitdoctor.recording.folder import create
    from fitdoctor.recording.places import current_folder

    mode = mode_of(as_module=as_module, as_code=as_code)
    directory, watched = None, None
    if current_folder() is None:
        raise FitdoctorError(
            "The current directory is gone, so that no script can be run in it. Expected one that exists: cd to it."
        )
    if mode == "script" and is_run(target):
        run = resumed(target, arguments)
        command = [find_python(python or run.python), *OPTIONS[run.mode], run.target, *run.arguments]
        require_consent(run.shown, command, folder=str(run.directory.absolute()), is_own=run.is_own, yes=yes)
        target, arguments, mode, python = run.target, run.arguments, run.mode, python or run.python
        directory, watched = run.directory, run.watched
    interpreter = find_python(python)
    with _standing_in(directory):
        name = check_target(target, mode, interpreter)
    folder = create(name)
    progress = progress_on(sys.stderr, quiet=quiet)
    request = DiagnoseRequest(
        target=target,
        arguments=arguments,
        mode=mode,
        python=interpreter,
        budget_s=budget,
        race_budget_s=race_budget,
        allow_writes=allow_writes,
        stdin=reads_stdin,
        layered=os.environ.get(LAYER_SWITCH, "1") != "0",
        offline=offline,
        folder=folder,
        watched=watched,
    )
    try:
        if folder.note:
            progress.note(folder.note)
        with _standing_in(directory):
            report, exit_code = _diagnose(request, progress)
    finally:
        progress.done()
        folder.remove_if_empty()
    _hand_over(report, folder, outputs)
    sys.exit(exit_code)


def _standing_in(directory: Path | None) -> AbstractContextManager[None]:
    """Goes to the folder of a recorded run for a while; without one, we stay, be it in a folder that may not be entered
    again.
    """
    return chdir(directory) if directory is not None else nullcontext()


def _diagnose(request: DiagnoseRequest, progress: Progress) -> tuple[Report, int]:
    """Gives the report and the exit code; on Ctrl-C, the report of what was learned until then.

    Raises:
        FitdoctorError: There is nothing to report.
    """
    from fitdoctor.diagnosis.interrupted import DiagnosisInterruptedError
    from fitdoctor.diagnosis.session import diagnose_script

    try:
        return diagnose_script(request, progress), 0
    except DiagnosisInterruptedError as interruption:
        interrupted, report = interruption, interruption.report
    except KeyboardInterrupt:
        interrupted, report = DiagnosisInterruptedError(), _from_recordings(request.folder)
    except FitdoctorError as error:
        raise _with_log(error, request.folder) from None
    if report is None:
        raise FitdoctorError("Interrupted before anything was learned.", exit_code=interrupted.exit_code)
    progress.note("Interrupted: this is what was learned until then.")
    return report, interrupted.exit_code


def _from_recordings(folder: RunFolder) -> Report | None:
    from fitdoctor.recording.load import load_run

    try:
        run = load_run(folder.run_file)
        from fitdoctor.analysis import build

        run.interrupted = run.interrupted or ("trials" if run.rehearsals else "scout")
        return build(run, stage="final" if run.rehearsals else "first answer")
    except FitdoctorError:
        return None


def _with_log(error: FitdoctorError, folder: RunFolder) -> FitdoctorError:
    """Adds where the script's own words are, unless the message already says so."""
    if not folder.log_file.exists() or not folder.log_file.stat().st_size or folder.log_file.name in str(error):
        return error
    where = f"What the script printed is in {folder.shown}/{folder.log_file.name}."
    return FitdoctorError(f"{error}\n{where}", exit_code=error.exit_code)


def _hand_over(report: Report, folder: RunFolder, outputs: tuple[str, ...]) -> None:
    """Shows the report and saves it:

    neither a full disk nor a closed terminal must cost the user what two minutes have found.
    """
    from dataclasses import replace

    from fitdoctor.recording.save import write_atomically
    from fitdoctor.report.json import to_json

    report = replace(report, run=folder.shown if folder.run_file.exists() else "")
    try:
        show(report, sys.stdout)
    finally:
        try:
            write_atomically(folder.report_file, to_json(report).encode(), private=True)
        except FitdoctorError as error:
            say(str(error))
        write(report, outputs)
