"""Threads of ours in the user's process that the script neither lists nor waits for.

`threading` does not know them: scripts join all threads that it lists, or wait until it counts only one. They block
every signal: the kernel delivers a signal to any thread that does not block it. And they use no function that a script
may have replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.originals import _thread, os, signal


class HiddenThread:
    """Runs a function in the background. Its errors are not printed but reported in the record.

    Args:
        run: What to run. It must not call `threading.current_thread`, which would register the thread.
        arguments: For `run`.

    Attributes:
        ident: The thread's identifier, 0 before its start.

    Example:
        >>> thread = HiddenThread(work)
        >>> thread.start()
        True
        >>> thread.stop(patience_s=1.0)
    """

    def __init__(self, run: Callable[..., object], *arguments: Any) -> None:
        self._run, self._arguments = run, arguments
        self.ident = self._process = 0
        self._stop_requested, self._running = _thread.allocate_lock(), _thread.allocate_lock()
        self._stop_requested.acquire()

    def start(self) -> bool:
        """Starts the thread with all signals blocked. Returns False if the system provides no thread."""
        self._running.acquire()
        self._process = os.getpid()
        try:
            with _AllSignalsBlocked():
                self.ident = _thread.start_new_thread(self._main, ())
        except RuntimeError:
            self._running.release()
            return False
        return True

    def wait(self, seconds: float) -> bool:
        """Sleeps, and returns whether the thread was asked to end. Only the thread itself calls this."""
        if self._stop_requested.acquire(timeout=min(max(seconds, 0.0), _thread.TIMEOUT_MAX)):
            self._stop_requested.release()
            return True
        return False

    def stop(self, patience_s: float) -> bool:
        """Asks the thread to end, waits for it, and returns whether it has ended. May be called twice."""
        if self._process != os.getpid():  # a forked process has no such thread
            return True
        with suppress(RuntimeError):  # it was asked already
            self._stop_requested.release()
        if not self._running.acquire(timeout=patience_s):
            return False
        self._running.release()
        return True

    def _main(self) -> None:
        try:
            guard.guarded(self._run, *self._arguments)
        except BaseException:
            pass
        finally:
            self._running.release()


class _AllSignalsBlocked:
    """Blocks all signals of the calling thread. A thread that is started meanwhile inherits that."""

    def __enter__(self) -> None:
        if not hasattr(signal, "pthread_sigmask"):
            return
        # Each of these calls may run a signal handler of the script, which may raise. So the mask is read first.
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
