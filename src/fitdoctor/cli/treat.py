"""`fitdoctor treat`: a real training with the prescription of its diagnosis, the source untouched."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import click

from fitdoctor.cli.consent import require_consent, yes_option
from fitdoctor.cli.say import say
from fitdoctor.errors import FitdoctorError

if TYPE_CHECKING:
    from fitdoctor.recording.folder import RunFolder
    from fitdoctor.recording.model import ProcessRecord, Treated
    from fitdoctor.report.model import Safety
    from fitdoctor.watching.session import Watched


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--allow",
    metavar="LIST",
    default="",
    help="More than changes that leave the numbers as they are: “numerics” (other rounding), “semantics” (another training that won "
    "its races), or both with a comma.",
)
@click.option(
    "--run",
    "diagnosis",
    metavar="RUN",
    help="The diagnosis to take the changes from; by default the latest of this script and these arguments.",
)
@click.option(
    "--python",
    metavar="PATH",
    help="The interpreter of the training; by default that of the diagnosis, if you have made that.",
)
@yes_option
@click.option(
    "-q", "--quiet", is_flag=True, help="Say only what a recording has a part in running, and what goes wrong."
)
@click.option("-m", "as_module", is_flag=True, help="TARGET is a module, as for python -m.")
@click.option("-c", "as_code", is_flag=True, help="TARGET is code, as for python -c.")
@click.argument("target")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def command(
    *,
    allow: str,
    diagnosis: str | None,
    python: str | None,
    yes: bool,
    quiet: bool,
    as_module: bool,
    as_code: bool,
    target: str,
    arguments: tuple[str, ...],
) -> None:
    """Runs a training for real, with its verified fixes applied.

    TARGET is a Python script that was diagnosed; all that follows it belongs to the script. The source stays as it is:
    changes are made while it runs. Only what trials have verified is applied, and by default only what leaves every
    number as it is. Refuses where the script, its arguments or its environment are not what was diagnosed. A fit whose
    data is another one runs as written.

    A diagnosis that you have not made on this machine, such as one that came with a repository, chooses no interpreter,
    and its changes are made only with --yes.

    Ends with the script's own exit code, or by the signal that ended the script.
    """
    import psutil

    from fitdoctor.cli.target import check_target, find_python, mode_of
    from fitdoctor.process.request import OPTIONS
    from fitdoctor.process.supervisor import end_like
    from fitdoctor.recording.folder import create
    from fitdoctor.treating import environment
    from fitdoctor.treating.diagnosis import Target, check_arguments, check_unchanged, find
    from fitdoctor.treating.promise import announcement, choose
    from fitdoctor.watching.request import WatchRequest
    from fitdoctor.watching.session import watch

    allowed = _allowed(allow)
    mode = mode_of(as_module=as_module, as_code=as_code)
    wanted = Target(target=target, mode=mode, arguments=arguments)
    if mode == "script" and not os.path.exists(target):  # noqa: PTH110 - a Path raises where the folder may not be entered
        check_target(target, mode, sys.executable)
    found = find(wanted, diagnosis)
    assert found.run.scout is not None
    interpreter = find_python(python or (found.run.python if found.is_own else "") or None)
    name = check_target(target, mode, interpreter)
    check_arguments(found, wanted)
    treated, more = choose(found, allowed, again=wanted.shown)
    changes = [change for treatment in treated.treatments for change in treatment["changes"]]
    require_consent(
        found.shown,
        [interpreter, *OPTIONS[mode], target, *arguments],
        folder="",
        changes=changes,
        is_own=found.is_own,
        yes=yes,
    )
    check_unchanged(found, wanted)
    environment.check(interpreter, found.run.scout.environment, found.shown, again=wanted.shown)
    treated.own_s = time.time() - psutil.Process().create_time()
    folder: RunFolder | None = None
    try:
        folder = create(name)
    except FitdoctorError as error:
        say(f"{error} The training runs as written.")
    if folder is not None:
        for sentence in (folder.note, announcement(treated), more):
            if sentence and not quiet:
                say(sentence)
    request = WatchRequest(
        target=target,
        arguments=arguments,
        mode=mode,
        python=interpreter,
        folder=folder,
        treated=treated,
        environment=found.run.scout.environment,
    )
    ended = watch(request)
    try:
        if ended.problem:
            say(ended.problem)
        if folder is not None and not quiet:
            _conclude(ended, treated, found.run.scout, folder)
    except Exception as error:  # noqa: BLE001 - the training's own ending is what the caller waits for
        say(f"{type(error).__name__}: {error}")
    finally:
        if folder is not None:
            folder.remove_if_empty()
    end_like(ended.code)


def _conclude(ended: Watched, treated: Treated, diagnosed: ProcessRecord, folder: RunFolder) -> None:
    from fitdoctor.treating.promise import conclusion

    seen = ended.run.watched if ended.run is not None else None
    for sentence in conclusion(treated, diagnosed, seen, code=ended.code, wall_s=ended.wall_s + treated.own_s):
        say(sentence)
    if folder.run_file.exists():
        say(f"“fitdoctor report {folder.shown}” shows where the time went.")


def _allowed(text: str) -> set[Safety]:
    """The safeties that are allowed; that which leaves every number as it is always is."""
    known: dict[str, Safety] = {"exact": "exact", "numerics": "numerics", "semantics": "semantics"}
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            raise click.UsageError(
                f"Received “--allow {text}”; expected a comma between some of numerics and semantics."
            )
    return {"exact", *(known[name] for name in names)}
