"""Stands beside a process that must not notice it: hands signals on, and ends as the process did."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from fitdoctor.errors import FitdoctorError
from fitdoctor.proc_stat import parent_of
from fitdoctor.process.signal_witness import Witness
from fitdoctor.process.terminal_foreground import Foreground

HEARD = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}
"""What others send to the process that they know, which is ours, and mean the script: all that can be handed on. Also
what is ignored from the start (nohup): the script's own Python decides about that."""

FROM_THE_KERNEL = 0x80
"""`SI_KERNEL`: the terminal sent it, for Ctrl-C for instance, and to the whole group: the script has got it already."""

TO_THE_LEADER = (signal.SIGHUP, signal.SIGCONT)
"""But these the kernel sends to the leader of a session alone, where its terminal is gone."""

STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
"""What a terminal stops a script by. The shell waits for us, and must see us stop too."""

NEEDS_TERMINAL = (signal.SIGTTIN, signal.SIGTTOU)
"""What stops a script that uses the terminal while its group does not have it."""

MOST_ANCESTORS = 64
"""So far up it is looked whether a sender descends from the script."""

RESET = (signal.SIGPIPE, signal.SIGXFSZ)
"""What our Python ignores and the script's Python decides about itself."""


def run_beside(
    command: Sequence[str], environment: Mapping[str, str], started: Callable[[int], None] | None = None
) -> int:
    """Runs a command with our own input, output, terminal and process group, and waits for it.

    Signals that are sent to this process are handed on. Those that were sent to the whole group have reached the
    command by themselves, unless it has left the group. What the command sends to this process goes to our own parent:
    without us that is the command's.

    Args:
        command: What to run.
        environment: Its variables.
        started: Told the number of the process once that runs, with all signals blocked, so that a thread of it gets
            none of them. It must not raise.

    Returns:
        The exit code, or minus the number of the signal that it died of.

    Raises:
        FitdoctorError: The command can't be started.

    Example:
        >>> run_beside([sys.executable, "-c", "raise SystemExit(3)"], os.environ)
        3
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
    witness: Witness | None = None
    foreground: Foreground | None = None
    try:
        pid = _spawn(command, environment, before)
        witness, foreground = Witness(command[0]), Foreground(pid)
        if started is not None:
            started(pid)
        while True:
            info = signal.sigwaitinfo(HEARD)
            if info.si_signo != signal.SIGCHLD:
                _hand_on(info, pid, witness, foreground)
                continue
            done, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if done and os.WIFSTOPPED(status):
                _stopped(os.WSTOPSIG(status), foreground)
            elif done:
                return os.waitstatus_to_exitcode(status)
    finally:
        if foreground is not None:
            foreground.take_back()
        if witness is not None:
            witness.end()
        _forget()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_like(code: int) -> None:
    """Ends this process with that exit code, or by that signal, so that a shell sees what it would have seen without
    us.
    """
    _give_up_broken_streams()
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))  # one dump is enough
        with suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code
    sys.exit(code)


def _give_up_broken_streams() -> None:
    """Where what we said can't be written, Python would end with an exit code of its own."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (AttributeError, OSError, ValueError):
            setattr(sys, name, None)


def _hand_on(info: signal.struct_siginfo, pid: int, witness: Witness, foreground: Foreground) -> None:
    """Sends a signal that we got to whom it was meant for, unless it got there by itself."""
    if _comes_from(info, pid):
        if (
            not witness.got(info.si_signo) and os.getppid() > 0
        ):  # 0 is a parent outside of the container, and would mean our group
            with suppress(OSError):
                os.kill(os.getppid(), info.si_signo)
    elif _has_reached(info, witness):
        foreground.send(info.si_signo)
    else:
        os.kill(pid, info.si_signo)


def _comes_from(info: signal.struct_siginfo, pid: int) -> bool:
    """Whether the script sent the signal, or a process below it that still runs."""
    sender = info.si_pid if info.si_code <= 0 else 0  # above 0 the kernel made it, and nobody sent it
    for _ in range(MOST_ANCESTORS):
        if sender == pid:
            return True
        if sender <= 1:
            return False
        sender = parent_of(sender) or 0
    return False


def _has_reached(info: signal.struct_siginfo, witness: Witness) -> bool:
    """Whether our whole group got a signal that we got, and so the script too, if it has not left the group."""
    if info.si_code == FROM_THE_KERNEL and (info.si_signo not in TO_THE_LEADER or not witness.present):
        return True
    return witness.got(info.si_signo)


def _stopped(number: int, foreground: Foreground) -> None:
    """Gives the script the terminal that it stopped for, or else stops as it did."""
    if number in NEEDS_TERMINAL and foreground.lend():
        return
    foreground.take_back()
    _stop_like(number)


def _stop_like(number: int) -> None:
    """Stops this process by the signal that stopped the script, until it is continued."""
    if (
        number not in STOPS or signal.SIGCONT in signal.sigpending()
    ):  # else somebody who knows the script's process will continue that
        return
    signal.sigtimedwait({number}, 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)
    signal.pthread_sigmask(signal.SIG_BLOCK, {number})


def _spawn(command: Sequence[str], environment: Mapping[str, str], mask: Iterable[int]) -> int:
    try:
        return os.posix_spawn(
            command[0], list(command), dict(environment), setsigmask=list(mask), setsigdef=list(RESET)
        )
    except OSError as error:
        raise FitdoctorError(
            f"Could not start “{command[0]}”: {error.strerror or error}. Expected a Python interpreter. Name it with --python."
        ) from None


def _forget() -> None:
    """Takes what came too late to be handed on, so that it does not strike us instead."""
    while signal.sigtimedwait(HEARD, 0) is not None:
        pass
