"""Translates exit codes to endings and names of signals."""

from __future__ import annotations

import signal

from fitdoctor.recording.model import Ending


def ending_from_exit_code(code: int | None, ran_out: str = "") -> Ending:
    """Returns the ending of a process that could not record it itself.

    Args:
        code: The exit code; None if the process did not end.
        ran_out: What it ran out of, if it was ended for that, or "".
    """
    if ran_out:
        return Ending(how="killed", message=f"fitdoctor for lack of {ran_out}")
    if code is None:
        return Ending(how="limit")
    return Ending(how="killed", message=signal_name(-code)) if code < 0 else Ending(how="exit", code=code)


def signal_name(number: int) -> str:
    """Returns the name of a signal, such as SIGKILL. Real-time signals have only numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
