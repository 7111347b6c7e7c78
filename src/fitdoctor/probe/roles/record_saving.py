"""Threads that save the record regularly and end the process at its time limit."""

from __future__ import annotations

import os

from fitdoctor.probe.roles.base import RecordingRole
from fitdoctor.probe.support import call_sites, guard, thread_stacks
from fitdoctor.probe.support.hidden_thread import HiddenThread
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.recording.model import ProcessRecord

# The least interval of saves. A record that takes long to write is saved less often, so that saving takes at most
# `SAVING_SHARE` of the time. But the interval is never longer than `LONGEST_SHARE` of the time since the start.
SAVE_EVERY_S = 1.0
SAVING_SHARE = 0.001
LONGEST_SHARE = 0.1
# Exit code of a process that ended itself: at its time limit, or to protect the user's files.
BLOCKED = 75


def save_regularly(role: RecordingRole) -> HiddenThread:
    """Saves the record from a thread of its own, so that a slow disk costs the fit no time."""

    def save() -> None:
        first_s = time.perf_counter()
        ended_s = began_s = first_s
        while role.record.ending.how == "unfinished":
            interval_s = min((ended_s - began_s) / SAVING_SHARE, (ended_s - first_s) * LONGEST_SHARE)
            thread.wait(max(SAVE_EVERY_S, interval_s))
            began_s = time.perf_counter()
            guard.guarded(role.save_now)
            ended_s = time.perf_counter()

    thread = HiddenThread(save)
    thread.start()
    return thread


def end_at_limit(role: RecordingRole, limit_s: float, hard_limit_s: float) -> None:
    """Ends the process at its limit, or at the hard limit if no unit has run until the first."""
    main = threading.main_thread().ident
    assert main is not None

    def watch() -> None:
        thread.wait(max(0.1, limit_s))
        if not has_units(role.record):
            thread.wait(max(0.1, hard_limit_s - limit_s))
        try:
            frames = call_sites.frames(thread_stacks.innermost(main))
            role.overdue(next((call_sites.of_frame(frame) for frame in frames), None))
        finally:
            os._exit(BLOCKED)

    thread = HiddenThread(watch)
    thread.start()


def has_units(record: ProcessRecord) -> bool:
    """Whether a step of a fit, or a call of `predict` and the like, was measured."""
    return any(fit.first_step.count for fit in record.fits) or any(loop.run.count for loop in record.loops)
