"""The first stage: the script is run through once, cut short, and what it does is recorded."""

from __future__ import annotations

import time

from fitdoctor.diagnosis.workspace import DiagnosisWorkspace, where
from fitdoctor.errors import FitdoctorError
from fitdoctor.process import exit_messages
from fitdoctor.process.child import Child
from fitdoctor.recording.model import ProcessRecord
from fitdoctor.system.sampler import Sampler
from fitdoctor.trials import other_processes

SCOUT_SHARE = 0.6
"""Of the budget, for a run-through that has come to a unit; what has not is given all of it."""
SHUTDOWN_S = 10.0
"""How long a script that is done may take to leave: some hang in their framework's shutdown."""


def run_through(desk: DiagnosisWorkspace) -> None:
    """Records what the script does.

    Raises:
        FitdoctorError: Nothing was learned that a verdict could rest on.
    """
    desk.progress.stage(f"learning what {desk.name} does")
    request = desk.request
    child = desk.start("scout", limit_s=max(request.budget_s * SCOUT_SHARE, 1.0), hard_limit_s=request.budget_s)
    sampler = Sampler()
    sampler.start(child.contained.pid)
    try:
        code = _wait(desk, child)
    finally:
        system = sampler.stop()
    scout, started = desk.read(child), child.out.exists()
    desk.end_child()
    ran_out = child.ran_out
    if scout is None:
        desk.check_room()
        raise FitdoctorError(
            exit_messages.UNREADABLE + desk.on_disk() if started else exit_messages.never_started(request, code)
        )
    unfinished, learned = scout.ending.how == "unfinished", exit_messages.learned_something(scout)
    if unfinished and not learned:
        desk.check_room()
    if unfinished:
        scout.ending = exit_messages.seen_from_outside(code, ran_out)
    scout.peak_rss_bytes, scout.system = child.memory.peak_bytes, system
    desk.data.scout = scout
    if not learned:
        raise FitdoctorError(exit_messages.no_verdict(scout, request) + desk.on_disk())
    desk.data.limits += other_processes.limits(scout)
    desk.data.limits += [f"{where(fit.site)}: {fit.declined}." for fit in scout.fits if fit.declined]


def _wait(desk: DiagnosisWorkspace, child: Child) -> int | None:
    """Waits for the scout's end, or for its last word and then a little longer."""
    done_s: float | None = None
    while True:
        code = child.wait(0.2)
        if code is not None:
            return code
        now_s = time.monotonic()
        if done_s is None and now_s - child.began_s > desk.request.budget_s + SHUTDOWN_S:
            return None
        read = desk.read(child) if done_s is None else None
        if read is not None and read.ending.how in ("finished", "exit", "exception"):
            done_s = now_s
        desk.progress.waiting(f"learning what {desk.name} does{_reached(read)}", now_s - child.began_s)
        if done_s is not None and now_s - done_s > SHUTDOWN_S:
            return None


def _reached(scout: ProcessRecord | None) -> str:
    """How far the scout has come, for the line of progress."""
    if scout is None or scout.ending.how != "unfinished":
        return ""
    if scout.fits:
        return f", fit at {where(scout.fits[-1].site)}"
    return ", no fit yet" if scout.environment else ", importing"
