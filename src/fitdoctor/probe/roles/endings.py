"""Describes how a script ended: its exit code, its message, and the user's line where the error came from."""

from __future__ import annotations

import linecache

from fitdoctor.probe.support import call_sites
from fitdoctor.recording.model import Ending, Site
from fitdoctor.recording.plain import LONGEST_MESSAGE


def of_exit(exit_: SystemExit) -> Ending:
    """The ending of a script that called `sys.exit`."""
    message = _message(exit_) if exit_.code is not None and not isinstance(exit_.code, int) else ""
    return Ending(how="exit", code=_exit_code(exit_.code), message=message, site=_site_of(exit_))


def of_error(error: BaseException) -> Ending:
    """The ending of a script that raised an error."""
    how = "interrupted" if isinstance(error, KeyboardInterrupt) else "exception"
    return Ending(how=how, error=type(error).__name__, message=_message(error), site=_site_of(error))


def _exit_code(given: object) -> int:
    """The exit code of a process for an argument of `sys.exit`.

    Python converts an integer to a C long, and Linux keeps its lowest byte.
    """
    if given is None:
        return 0
    if not isinstance(given, int):
        return 1
    number = int.__index__(given)  # also of a bool and of a member of an IntEnum
    return number & 0xFF if -(2**63) <= number < 2**63 else 0xFF


def _message(error: BaseException) -> str:
    try:
        return str(error)[:LONGEST_MESSAGE]
    except Exception:  # the script's own __str__ may fail
        return ""


def _site_of(error: BaseException) -> Site | None:
    """The innermost line of the user's code that the error went through."""
    trace, place = error.__traceback__, None
    while trace is not None:
        if call_sites.is_users(trace.tb_frame.f_code.co_filename):
            found = call_sites.of_frame(trace.tb_frame)
            code = linecache.getline(found.file, trace.tb_lineno).strip()
            place = Site(file=found.file, line=trace.tb_lineno, function=found.function, code=code)
        trace = trace.tb_next
    return place
