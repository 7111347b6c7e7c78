"""Runs a command, forwards signals to it, and ends as it did. The command must not notice us."""

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

# All signals that can be forwarded. Senders know our process, but mean the script. Ignored signals (nohup) are
# forwarded too: the script's own Python decides about them.
FORWARDED = signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}

# `SI_KERNEL`: the terminal sent the signal, for example Ctrl-C, to the whole group. So the script has received it.
FROM_THE_KERNEL = 0x80

# But the kernel sends these only to the leader of a session that lost its terminal.
TO_THE_LEADER = (signal.SIGHUP, signal.SIGCONT)

# A terminal stops a script by these. The shell waits for us, and must see us stop too.
STOPS = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)

# These stop a script that uses the terminal while its group does not have it.
NEEDS_TERMINAL = (signal.SIGTTIN, signal.SIGTTOU)

# Ancestors of a sender that are searched for the script.
MOST_ANCESTORS = 64

# Our Python ignores these. The script's Python must decide about them itself.
RESET = (signal.SIGPIPE, signal.SIGXFSZ)


def run_beside(
    command: Sequence[str], environment: Mapping[str, str], started: Callable[[int], None] | None = None
) -> int:
    """Runs a command with our own input, output, terminal and process group, and waits for it.

    Signals to this process are forwarded. Signals to the whole group have reached the command already, unless it left
    the group. Signals from the command to this process go to our own parent, which is the parent of the command without
    us.

    Args:
        command: The command.
        environment: Its variables.
        started: Called with the PID once the command runs. All signals are blocked then, so that a thread that it
            starts receives none. It must not raise.

    Returns:
        The exit code, or minus the number of the signal that killed it.

    Raises:
        FitdoctorError: The command can't be started.

    Example:
        >>> run_beside([sys.executable, "-c", "raise SystemExit(3)"], os.environ)
        3
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    witness: Witness | None = None
    foreground: Foreground | None = None
    try:
        pid = _spawn(command, environment, before)
        witness, foreground = Witness(command[0]), Foreground(pid)
        if started is not None:
            started(pid)
        while True:
            info = signal.sigwaitinfo(FORWARDED)
            if info.si_signo != signal.SIGCHLD:
                _forward(info, pid, witness, foreground)
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
        _drop_late_signals()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_like(code: int) -> None:
    """Ends this process with the exit code or by the signal of the command, as a shell would see it without us."""
    _drop_broken_streams()
    if code < 0:
        # One core dump is enough.
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        with suppress(OSError, ValueError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
        code = 128 - code
    sys.exit(code)


def _drop_broken_streams() -> None:
    """Drops streams that can't be flushed: Python would end with an exit code of its own."""
    for name in ("stdout", "stderr"):
        try:
            getattr(sys, name).flush()
        except (AttributeError, OSError, ValueError):
            setattr(sys, name, None)


def _forward(info: signal.struct_siginfo, pid: int, witness: Witness, foreground: Foreground) -> None:
    """Forwards a signal that we received, unless it has reached its target already."""
    if _comes_from(info, pid):
        # A parent outside of the container has the PID 0, which would mean our group.
        if not witness.got(info.si_signo) and os.getppid() > 0:
            with suppress(OSError):
                os.kill(os.getppid(), info.si_signo)
    elif _has_reached(info, witness):
        foreground.send(info.si_signo)
    else:
        os.kill(pid, info.si_signo)


def _comes_from(info: signal.struct_siginfo, pid: int) -> bool:
    """Returns whether the script or a running descendant of it sent the signal."""
    sender = info.si_pid if info.si_code <= 0 else 0  # above 0: the kernel made it
    for _ in range(MOST_ANCESTORS):
        if sender == pid:
            return True
        if sender <= 1:
            return False
        sender = parent_of(sender) or 0
    return False


def _has_reached(info: signal.struct_siginfo, witness: Witness) -> bool:
    """Returns whether our whole group received the signal, and so the script too, if it is in the group."""
    if info.si_code == FROM_THE_KERNEL and (info.si_signo not in TO_THE_LEADER or not witness.present):
        return True
    return witness.got(info.si_signo)


def _stopped(number: int, foreground: Foreground) -> None:
    """Gives the script the terminal that it stopped for; else stops this process too."""
    if number in NEEDS_TERMINAL and foreground.lend():
        return
    foreground.take_back()
    _stop_like(number)


def _stop_like(number: int) -> None:
    """Stops this process by the signal that stopped the script, until it is continued."""
    # Other stops came from a process that knows the script, and will continue it.
    if number not in STOPS or signal.SIGCONT in signal.sigpending():
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
            f"Could not start “{command[0]}”: {error.strerror or error}. Expected a Python interpreter. "
            "Name it with --python."
        ) from None


def _drop_late_signals() -> None:
    """Removes signals that came too late to be forwarded, so that they do not hit this process."""
    while signal.sigtimedwait(FORWARDED, 0) is not None:
        pass
