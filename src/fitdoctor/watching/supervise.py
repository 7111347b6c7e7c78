"""Stands beside a process that must not notice it: hands signals on, and ends as the process did."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from fitdoctor.errors import FitdoctorError

HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""What others send to the process that they know, which is ours, and mean the script."""

FROM_THE_KERNEL = 0x80
"""`SI_KERNEL`: the terminal sent it, for Ctrl-C for instance, and to the whole group: the script has got it already."""

RESET = (signal.SIGPIPE, signal.SIGXFSZ)
"""What our Python ignores and the script's Python decides about itself."""


def run_beside(command: Sequence[str], environment: Mapping[str, str], started: Callable[[int], None] | None = None) -> int:
    """Runs a command with our own input, output, terminal and process group, and waits for it.

    Signals that are meant for it are handed on; those that a terminal sent have reached it by themselves.

    Args:
        command: What to run.
        environment: Its variables.
        started: Told the number of the process once that runs, with all these signals blocked, so that a thread of it gets none of them.
            It must not raise.

    Returns:
        The exit code, or minus the number of the signal that it died of.

    Raises:
        FitdoctorError: The command can't be started.

    Example:
        >>> run_beside([sys.executable, "-c", "raise SystemExit(3)"], os.environ)
        3
    """
    # What is ignored from the start (nohup) stays so, here and in the script.
    heard = {number for number in HANDED_ON if signal.getsignal(number) != signal.SIG_IGN}
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*heard, signal.SIGCHLD})
    try:
        pid = _spawn(command, environment, before)
        if started is not None:
            started(pid)
        while True:
            info = signal.sigwaitinfo({*heard, signal.SIGCHLD})
            if info.si_signo != signal.SIGCHLD:
                if info.si_code != FROM_THE_KERNEL:
                    os.kill(pid, info.si_signo)
                continue
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return os.waitstatus_to_exitcode(status)
    finally:
        _forget(heard)
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_like(code: int) -> None:
    """Ends this process with that exit code, or by that signal, so that a shell sees what it would have seen without us."""
    sys.stdout.flush()
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # one dump is enough
        with suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code
    sys.exit(code)


def _spawn(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> int:
    try:
        return os.posix_spawn(command[0], list(command), dict(environment), setsigmask=list(mask), setsigdef=list(RESET))
    except OSError as error:
        raise FitdoctorError(
            f"Could not start “{command[0]}”: {error.strerror or error}. Expected a Python interpreter. Name it with --python."
        ) from None


def _forget(numbers: set[signal.Signals]) -> None:
    """Takes what came too late to be handed on, so that it does not strike us instead."""
    while numbers and signal.sigtimedwait(numbers, 0) is not None:
        pass
