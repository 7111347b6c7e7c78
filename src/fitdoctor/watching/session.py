"""One watched or treated training: runs it to its end and makes a run of what was recorded."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fitdoctor.changes.environment import environment, of_process
from fitdoctor.errors import FitdoctorError
from fitdoctor.printable import printable
from fitdoctor.process.child import LAUNCH
from fitdoctor.process.exit_messages import learned_something, seen_from_outside
from fitdoctor.process.request import OPTIONS, new_run
from fitdoctor.process.supervisor import run_beside
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.load import decode_scout
from fitdoctor.recording.model import ProcessRecord, Run
from fitdoctor.recording.notes import SUFFIX, read_notes
from fitdoctor.recording.plain import UNWRITTEN
from fitdoctor.recording.signature import save_signed
from fitdoctor.recording.system import System
from fitdoctor.regular_files import make_new, read_regular
from fitdoctor.system.sampler import Sampler
from fitdoctor.trials import other_processes
from fitdoctor.watching.request import WatchRequest

RECORD = "watch.json"
NOTES = RECORD + SUFFIX
SPEC = "watch-spec.json"
TREATED = "Treated with {}, as verified in {}: what is told here of the source is as it is written."
PARTLY_WRITTEN = "From some point on, the recording could not be written ({}): what came after that is missing here."

NOT_BEGUN = "the process ended, or was replaced, before it could write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a watched training ended: its exit code as of `run_beside`, its seconds, and its run, or the reason why there
    is none.

    `unwritten` is the reason why the last of what was recorded could not be written, if that is so.
    """

    code: int
    wall_s: float
    run: Run | None = None
    problem: str = ""
    unwritten: str = ""


def watch(request: WatchRequest) -> Watched:
    """Runs a training to its end, whatever becomes of the recording.

    Raises:
        FitdoctorError: The interpreter can't be started.
    """
    began = datetime.now(UTC)
    began_s = time.monotonic()
    problem = _prepare(request, began_s) if request.folder is not None else "there is no place to record to"
    if problem or request.folder is None:
        code = run_beside(_plain(request), os.environ)
        how = "not recorded" if request.treated is None else "neither treated nor recorded"
        return Watched(code=code, wall_s=time.monotonic() - began_s, problem=f"The training was {how}: {problem}.")
    folder = request.folder
    sampler = Sampler()
    command = [request.python, str(LAUNCH), str(folder.path / SPEC)]
    code = run_beside(command, environment(_process_changes(request), os.environ), sampler.start)
    wall_s = time.monotonic() - began_s
    unwritten = _unwritten(folder)
    try:
        recorded = _read(folder, code, wall_s, sampler.stop())
    except FileNotFoundError:
        return Watched(
            code=code, wall_s=wall_s, problem=f"Nothing was recorded: {unwritten or NOT_BEGUN}.", unwritten=unwritten
        )
    except (OSError, FitdoctorError) as error:
        return Watched(code=code, wall_s=wall_s, problem=f"What was recorded can't be read back: {error}")
    finally:
        for path in (folder.path / SPEC, *folder.path.glob(f"{SPEC}.[01]"), *folder.path.glob(f"{RECORD}*")):
            with suppress(OSError):
                path.unlink(missing_ok=True)
    if unwritten and learned_something(recorded):
        recorded.limits.append(PARTLY_WRITTEN.format(unwritten))
    run = _run(request, recorded, began, wall_s)
    try:
        save_signed(run, folder.run_file)
    except FitdoctorError as error:
        return Watched(code=code, wall_s=wall_s, run=run, problem=str(error), unwritten=unwritten)
    return Watched(code=code, wall_s=wall_s, run=run, unwritten=unwritten)


def _process_changes(request: WatchRequest) -> list[dict[str, Any]]:
    """The changes that must be made where the process begins."""
    treatments = request.treated.treatments if request.treated is not None else []
    return [change for each in treatments for change in of_process(each["changes"])]


def _prepare(request: WatchRequest, began_s: float) -> str:
    """Writes down what the launcher is to do, or says why that can't be done."""
    assert request.folder is not None
    spec: dict[str, Any] = {
        "role": "watch",
        "mode": request.mode,
        "target": request.target,
        "arguments": list(request.arguments),
        "out": str(request.folder.path / RECORD),
        "spawned_s": began_s,
    }
    if request.treated is not None:
        spec |= {
            "role": "treat",
            "treatments": request.treated.treatments,
            "environment": dict(request.environment),
            "process_changes": _process_changes(request),
        }
    try:
        make_new(request.folder.path / SPEC, json.dumps(spec).encode())
    except OSError as error:
        return f"{request.folder.path} says “{error.strerror or error}”"
    return ""


def _plain(request: WatchRequest) -> list[str]:
    """The command without us."""
    return [request.python, *OPTIONS[request.mode], request.target, *request.arguments]


def _read(folder: RunFolder, code: int, wall_s: float, system: System) -> ProcessRecord:
    """The record as it stood last, with what only we could see:

    how the process ended, and when, and what the system did meanwhile.
    """
    recorded = decode_scout(read_regular(folder.path / RECORD))
    unrecorded_s = max(0.0, wall_s - recorded.wall_s)
    if recorded.ending.how == "unfinished":
        recorded.ending = seen_from_outside(code)
    else:
        recorded.parts["shutdown"] = recorded.parts.get("shutdown", 0.0) + unrecorded_s
    recorded.wall_s += unrecorded_s
    recorded.system = system
    recorded.others = read_notes(folder.path / NOTES).others
    recorded.limits += other_processes.limits(recorded) if learned_something(recorded) else []
    return recorded


def _unwritten(folder: RunFolder) -> str:
    """Why the record is not current, in the words that the script's process left; "" where it is."""
    try:
        return printable(str((folder.path / (RECORD + UNWRITTEN)).readlink()))
    except OSError:
        return ""


def _run(request: WatchRequest, recorded: ProcessRecord, began: datetime, wall_s: float) -> Run:
    return new_run(
        request,
        started=began,
        spent_s=wall_s,
        watched=recorded,
        treated=request.treated,
        limits=[TREATED.format(" and ".join(request.treated.remedies), request.treated.diagnosis)]
        if request.treated
        else [],
    )
