"""Ctrl-C at a moment when Python can't raise it: while it takes an object apart, or while it ends."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from typing import Any

AGAIN_S = 0.05
"""Long enough for the main thread to be back in code of its own."""


def never_lost() -> None:
    """From here on such a Ctrl-C comes once more a little later; Python would print a traceback of it and forget it."""
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
        elif threading.main_thread().is_alive():  # else the command is done already
            again = threading.Timer(AGAIN_S, _interrupt)
            again.daemon = True
            with suppress(RuntimeError):  # no thread can be started at the very end
                again.start()

    sys.unraisablehook = hook


def _interrupt() -> None:
    """Sends it to the main thread, where it ends a wait too:

    raised on another thread, it would only be seen after the wait.
    """
    if hasattr(signal, "pthread_kill"):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
