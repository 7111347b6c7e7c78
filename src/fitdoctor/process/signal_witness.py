"""Tells whether a signal went to one process or to its whole group.

Nothing in a signal says that. So a process that does nothing stands in the same group, with all signals blocked: what
was sent to the group is pending there too, from the same moment on. It runs the script's interpreter, so that whoever
sends to all processes of a name, one after the other, reaches it as well.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

CODE = "import sys; sys.stdin.buffer.read()"
"""What it runs: it ends with the pipe, at the latest when this process has ended, however that was."""
WAITS_S = (0.0, 0.001, 0.004, 0.01, 0.02)
"""Between looks: a group's signal is there at once, but some senders go from process to process."""
KEPT_S = 1.0
"""For so long it is remembered what else was pending at a witness that was replaced."""


class Witness:
    """A process in the group of this one that is asked which signals it got too.

    Args:
        python: The interpreter that it runs.

    Example:
        >>> witness = Witness(sys.executable)
        >>> info = signal.sigwaitinfo(heard)
        >>> witness.got(info.si_signo)
        False
        >>> witness.end()
    """

    def __init__(self, python: str) -> None:
        self._python = python
        self._pid = 0
        self._also: set[int] = set()
        self._replaced_s = 0.0
        self._read_end, self._write_end = os.pipe()
        self._pid = self._started()

    @property
    def present(self) -> bool:
        """Whether there is one that can be asked."""
        return self._pid > 0 and Path(f"/proc/{self._pid}/status").exists()

    def got(self, number: int) -> bool:
        """Whether it got the signal that this process has got just now. Each signal that was sent is told once."""
        for wait_s in WAITS_S:
            time.sleep(wait_s)
            if time.monotonic() - self._replaced_s > KEPT_S:
                self._also.clear()
            if number in self._also:
                self._also.remove(number)
                return True
            if number in self._pending():
                self._replace(number)
                return True
        return False

    def end(self) -> None:
        """Ends it."""
        self._take_away()
        for end in (self._read_end, self._write_end):
            os.close(end)

    def _pending(self) -> set[int]:
        try:
            lines = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
            mask = next(int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:"))
        except (OSError, StopIteration, ValueError):
            return set()
        return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}

    def _replace(self, told: int) -> None:
        """A signal that is pending is pending but once: for the next of that kind there must be another process."""
        after = self._started()  # before the other one ends: one of them is there at any time
        self._also |= self._pending() - {told}
        self._replaced_s = time.monotonic()
        self._take_away()
        self._pid = after

    def _started(self) -> int:
        command = [self._python, "-I", "-S", "-c", CODE]
        streams = (
            (os.POSIX_SPAWN_DUP2, self._read_end, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        )
        try:
            return os.posix_spawn(
                command[0], command, dict(os.environ), file_actions=streams, setsigmask=signal.valid_signals()
            )
        except OSError:
            return 0

    def _take_away(self) -> None:
        if self._pid > 0:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
        self._pid = 0
