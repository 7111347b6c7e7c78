"""Threads of ours in the user's process, which the script neither sees nor waits for.

`threading` knows nothing of them: scripts join all threads that it lists, or wait until it counts one. They block every
signal: the kernel gives one that the script has blocked, to wait for it, to any thread that has not. And they rest on
nothing that a script may replace.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.originals import _thread, os, signal


class HiddenThread:
    """Runs a function beside the script until it returns. Nothing that it raises is shown; failures are noted in the
    record.

    Args:
        run: What to run. It must not call `threading.current_thread`, which would list the thread from then on.
        arguments: For `run`.

    Attributes:
        ident: The thread's identifier, 0 as long as it has not begun.

    Example:
        >>> thread = HiddenThread(work)
        >>> thread.start()
        True
        >>> thread.stop(patience_s=1.0)
    """

    def __init__(self, run: Callable[..., object], *arguments: Any) -> None:
        self._run, self._arguments = run, arguments
        self.ident = self._process = 0
        self._go_on, self._running = _thread.allocate_lock(), _thread.allocate_lock()
        self._go_on.acquire()

    def start(self) -> bool:
        """Begins, with every signal blocked from the first moment on. False where the system gives no thread."""
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
        """For the thread itself: sleeps, and says whether it was asked to end."""
        if self._go_on.acquire(timeout=min(max(seconds, 0.0), _thread.TIMEOUT_MAX)):
            self._go_on.release()
            return True
        return False

    def stop(self, patience_s: float) -> bool:
        """Asks the thread to end, waits for so long, and says whether it has. May be called twice."""
        if self._process != os.getpid():  # a process that was forked meanwhile has no such thread
            return True
        with suppress(RuntimeError):  # it was asked before
            self._go_on.release()
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
    """Blocks all signals for the calling thread within a block: a thread that is started there inherits that."""

    def __enter__(self) -> None:
        if not hasattr(signal, "pthread_sigmask"):
            return
        # Each of these calls may run a handler of the script's, which may raise: the mask that was there must be known
        # before.
        self._before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        try:
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if hasattr(signal, "pthread_sigmask"):
            signal.pthread_sigmask(signal.SIG_SETMASK, self._before)
