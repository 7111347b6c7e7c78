"""Ctrl-C at a moment when Python can't raise it: while it deletes an object, or while it ends."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import suppress
from typing import Any

# After this time, the main thread runs ordinary code again.
REPEAT_AFTER_S = 0.05


def repeat_lost_interrupts() -> None:
    """From here on, such a Ctrl-C is repeated a little later.

    Python would print a traceback of it and go on.
    """
    before = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if not issubclass(unraisable.exc_type, KeyboardInterrupt):
            before(unraisable)
        elif threading.main_thread().is_alive():  # else the command has ended
            again = threading.Timer(REPEAT_AFTER_S, _interrupt)
            again.daemon = True
            with suppress(RuntimeError):  # no thread can be started at the very end
                again.start()

    sys.unraisablehook = hook


def _interrupt() -> None:
    """Sends the signal to the main thread, where it also ends a wait.

    On another thread, it would take effect only after the wait.
    """
    if hasattr(signal, "pthread_kill"):
        with suppress(ProcessLookupError):  # it has ended
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
