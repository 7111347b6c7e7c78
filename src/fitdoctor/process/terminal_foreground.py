"""Lets a script that has made a process group of its own use the terminal as it does without us.

A shell with job control makes the script the leader of its group, so that `os.setpgrp()` does nothing. Under us it is
not the leader: the same call takes it out of the terminal's foreground group.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Foreground:
    """The process group of the script, and whether it has the terminal. Its caller blocks SIGTTOU.

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
        """The script's group, where it has left ours and without us could not have done so; else 0."""
        if os.getpgrp() != os.getpid():  # nor would the script lead a group without us
            return 0
        try:
            group, session = os.getpgid(self._pid), os.getsid(self._pid)
        except OSError:
            return 0
        return group if group != os.getpgrp() and session == os.getsid(0) else 0

    def send(self, number: int) -> None:
        """Sends a signal that our group got to the script's, if that is another."""
        group = self.group()
        if group:
            with suppress(OSError):
                os.killpg(group, number)

    def lend(self) -> bool:
        """Gives the terminal to the script's group and continues that, if it is ours to give. Says whether it did."""
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
        """Gives the terminal back to our group, if the script's group has it."""
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
