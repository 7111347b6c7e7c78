"""The first stage: a child runs the script once, cut short, and records what it does."""

from __future__ import annotations

import time

from fitdoctor.diagnosis import exit_messages
from fitdoctor.diagnosis.workspace import DiagnosisWorkspace
from fitdoctor.errors import FitdoctorError
from fitdoctor.facts import other_processes
from fitdoctor.facts.locations import file_and_line
from fitdoctor.facts.measured_units import has_measured_units
from fitdoctor.process.child import Child
from fitdoctor.process.exit_status import ending_from_exit_code
from fitdoctor.recording.model import ProcessRecord
from fitdoctor.system.sampler import Sampler

# Share of the budget for a script that has reached a unit. One that has not may use all of it.
SCOUT_SHARE = 0.6
# How long a finished script may take to exit: some hang in their framework's shutdown.
SHUTDOWN_S = 10.0
POLL_S = 0.2


def run_through(workspace: DiagnosisWorkspace) -> None:
    """Runs the script, and fills the recording's `scout`.

    Raises:
        FitdoctorError: Nothing was learned that a verdict could rest on.
    """
    workspace.progress.stage(f"learning what {workspace.name} does")
    request = workspace.request
    child = workspace.start("scout", limit_s=max(request.budget_s * SCOUT_SHARE, 1.0), hard_limit_s=request.budget_s)
    sampler = Sampler()
    sampler.start(child.contained.pid)
    try:
        code = _wait(workspace, child)
    finally:
        system = sampler.stop()
    scout, started = workspace.read(child), child.out.exists()
    workspace.end_child()
    ran_out = child.ran_out
    if scout is None:
        workspace.check_disk_space()
        raise FitdoctorError(
            exit_messages.UNREADABLE + workspace.changes_message()
            if started
            else exit_messages.never_started(request, code)
        )
    unfinished, learned = scout.ending.how == "unfinished", has_measured_units(scout)
    if unfinished and not learned:
        workspace.check_disk_space()
    if unfinished:
        scout.ending = ending_from_exit_code(code, ran_out)
    scout.peak_rss_bytes, scout.system = child.memory.peak_bytes, system
    workspace.data.scout = scout
    if not learned:
        raise FitdoctorError(exit_messages.no_verdict(scout, request) + workspace.changes_message())
    workspace.data.limits += other_processes.limits(scout)
    workspace.data.limits += [f"{file_and_line(fit.site)}: {fit.declined}." for fit in scout.fits if fit.declined]


def _wait(workspace: DiagnosisWorkspace, child: Child) -> int | None:
    """Returns the exit code; None if the script has finished or used its budget, and does not exit."""
    finished_s: float | None = None
    while True:
        code = child.wait(POLL_S)
        if code is not None:
            return code
        now_s = time.monotonic()
        if finished_s is None and now_s - child.began_s > workspace.request.budget_s + SHUTDOWN_S:
            return None
        record = workspace.read(child) if finished_s is None else None
        if record is not None and record.ending.how in ("finished", "exit", "exception"):
            finished_s = now_s
        text = f"learning what {workspace.name} does{_position(record)}"
        workspace.progress.waiting(text, now_s - child.began_s)
        if finished_s is not None and now_s - finished_s > SHUTDOWN_S:
            return None


def _position(scout: ProcessRecord | None) -> str:
    """Returns how far the script has come, for the line of progress."""
    if scout is None or scout.ending.how != "unfinished":
        return ""
    if scout.fits:
        return f", fit at {file_and_line(scout.fits[-1].site)}"
    return ", no fit yet" if scout.environment else ", importing"
