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

# Two minutes: most people wait that long for an answer without leaving.
DEFAULT_BUDGET_S = 120.0

# Three runs of ten seconds, with and without the remedy. Used only where a remedy changes the training.
DEFAULT_RACE_BUDGET_S = 60.0


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
    help="How long to measure and to try fixes, starts of the script included.",
)
@click.option(
    "--race-budget",
    type=float,
    default=DEFAULT_RACE_BUDGET_S,
    show_default=True,
    callback=_not_negative,
    metavar="SECONDS",
    help="How much longer to race fixes that change the training; 0 for no races.",
)
@click.option(
    "--python", metavar="PATH", help="The interpreter of the training; the default is the one that runs fitdoctor."
)
@click.option("--allow-writes", is_flag=True, help="Allow the script to overwrite and delete existing files.")
@click.option(
    "--stdin",
    "reads_stdin",
    is_flag=True,
    help="Give each run of the script a copy of standard input. Without it, the script reads nothing.",
)
@yes_option
@click.option("--offline", is_flag=True, help="Allow the script no connection to other machines.")
@output_option
@click.option("-q", "--quiet", is_flag=True, help="Show no progress, only the report.")
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
    """Finds out why a training is slow, and measures fixes.

    TARGET is a Python script. All arguments after it belong to the script, even those that look like our options. The
    script is not changed, and its saved files are not overwritten: all writes go to a scratch layer, which is removed
    at the end. If the system has no such layer, Python guards the files, and the report says so. The report goes to
    stdout, progress goes to stderr, and the output of the script goes to a log beside the recordings.

    The script runs several times, each time in part. Each run does what the script does: it opens the same connections,
    sends the same data and starts the same programs. The report lists them. --offline blocks connections to other
    machines.

    TARGET may also be the folder of a run, from “fitdoctor watch” or from an earlier diagnosis. Then the script of that
    run is diagnosed, with the arguments of that run, and the measurements of a watched run are used. The command is
    shown first. If you did not record the run on this machine, it needs --yes.

    Recordings are kept in FITDOCTOR_DIR if it is set, else in .fitdoctor at the root of the project, else in your state
    folder.

    Exit code: 0 for a verdict, 2 if none is possible, 130 on Ctrl-C.
    """
    from fitdoctor.cli.progress import progress_on
    from fitdoctor.cli.resume import earlier_run, is_run
    from fitdoctor.cli.target import check_target, find_python, mode_of
    from fitdoctor.process.request import LAYER_SWITCH, OPTIONS, DiagnoseRequest
    from fitdoctor.recording.folder import create
    from fitdoctor.recording.run_roots import current_folder

    mode = mode_of(as_module=as_module, as_code=as_code)
    directory, watched = None, None
    if current_folder() is None:
        raise FitdoctorError(
            "The current folder was deleted, so no script can run in it. Expected a folder that exists: cd to one."
        )
    if mode == "script" and is_run(target):
        run = earlier_run(target, arguments)
        command = [find_python(python or run.python), *OPTIONS[run.mode], run.target, *run.arguments]
        require_consent(run.shown, command, folder=str(run.directory.absolute()), is_own=run.is_own, yes=yes)
        target, arguments, mode, python = run.target, run.arguments, run.mode, python or run.python
        directory, watched = run.directory, run.watched
    interpreter = find_python(python)
    with _inside(directory):
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
        with _inside(directory):
            report, exit_code = _diagnose(request, progress)
    finally:
        progress.done()
        folder.remove_if_empty()
    _hand_over(report, folder, outputs, ran_in=str(directory or ""))
    sys.exit(exit_code)


def _inside(directory: Path | None) -> AbstractContextManager[None]:
    """Changes to the folder of a recorded run for a while.

    Without one, we stay where we are: the current folder may be one that can't be entered again.
    """
    return chdir(directory) if directory is not None else nullcontext()


def _diagnose(request: DiagnoseRequest, progress: Progress) -> tuple[Report, int]:
    """Returns the report and the exit code; on Ctrl-C, the report of what was measured until then.

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
        raise FitdoctorError("Interrupted before anything was measured.", exit_code=interrupted.exit_code)
    progress.note("Interrupted: this is what was measured until then.")
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
    """Adds where the output of the script is, unless the message says so already."""
    if not folder.log_file.exists() or not folder.log_file.stat().st_size or folder.log_file.name in str(error):
        return error
    where = f"What the script printed is in {folder.shown}/{folder.log_file.name}."
    return FitdoctorError(f"{error}\n{where}", exit_code=error.exit_code)


def _hand_over(report: Report, folder: RunFolder, outputs: tuple[str, ...], *, ran_in: str) -> None:
    """Shows the report and saves it.

    A full disk or a closed terminal must not lose what two minutes have found.
    """
    from dataclasses import replace

    from fitdoctor.recording.save import write_atomically
    from fitdoctor.report.json import to_json

    report = replace(report, run=folder.shown if folder.run_file.exists() else "")
    try:
        show(report, sys.stdout, ran_in=ran_in)
    finally:
        try:
            write_atomically(folder.report_file, to_json(report).encode(), private=True)
        except FitdoctorError as error:
            say(str(error))
        write(report, outputs, ran_in=ran_in)
