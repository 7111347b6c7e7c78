"""Gives the terminal to a script that left our process group.

A shell with job control makes the script the leader of its group, so `os.setpgrp()` does nothing there. Under us the
script is not the leader: the same call removes it from the foreground group of the terminal.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Foreground:
    """The process group of the script, and whether it has the terminal. The caller blocks SIGTTOU.

    Args:
        pid: The script's process, a child of this one.

    Example:
        >>> foreground = Foreground(pid)
        >>> foreground.group()  # the script is in our own
        0
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._lent = pid

    def group(self) -> int:
        """Returns the group of the script if it left ours, and could not have done so without us; else 0."""
        if os.getpgrp() != os.getpid():  # without us, the script would not lead a group either
            return 0
        try:
            group, session = os.getpgid(self._pid), os.getsid(self._pid)
        except OSError:
            return 0
        return group if group != os.getpgrp() and session == os.getsid(0) else 0

    def send(self, number: int) -> None:
        """Sends a signal to the group of the script, if that is not ours."""
        group = self.group()
        if group:
            with suppress(OSError):
                os.killpg(group, number)

    def lend(self) -> bool:
        """Gives the terminal to the group of the script, if we have it, and continues it. Returns whether it did."""
        group = self.group()
        if not group:
            return False
        try:
            with _terminal() as terminal:
                if os.tcgetpgrp(terminal) not in (os.getpgrp(), group):
                    return False
                self._lent = group
                os.tcsetpgrp(terminal, group)
            os.killpg(group, signal.SIGCONT)
        except OSError:
            return False
        return True

    def take_back(self) -> None:
        """Takes the terminal back for our group, if the group of the script has it."""
        if os.getpgrp() != os.getpid():
            return
        with suppress(OSError), _terminal() as terminal:
            if os.tcgetpgrp(terminal) in (self._pid, self._lent):
                os.tcsetpgrp(terminal, os.getpgrp())


@contextmanager
def _terminal() -> Iterator[int]:
    terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    try:
        yield terminal
    finally:
        os.close(terminal)
