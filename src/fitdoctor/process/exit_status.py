"""What an exit code tells about how a process ended."""

from __future__ import annotations

import signal

from fitdoctor.recording.model import Ending


def ending_from_exit_code(code: int | None, ran_out: str = "") -> Ending:
    """The ending of a scout that could not say itself how it ended.

    Args:
        code: The exit code of its process, None if it did not end.
        ran_out: Why it was ended for lack of memory, or "".
    """
    if ran_out:
        return Ending(how="killed", message=f"fitdoctor for lack of {ran_out}")
    if code is None:
        return Ending(how="limit")
    return Ending(how="killed", message=signal_name(-code)) if code < 0 else Ending(how="exit", code=code)


def signal_name(number: int) -> str:
    """SIGKILL and the like; real-time signals have only numbers."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
