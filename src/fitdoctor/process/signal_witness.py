"""Detects whether a signal went to one process or to its whole group.

A signal does not carry that. So an idle process, the witness, runs in the same group with all signals blocked: a signal
to the group is pending there too. It runs the script's interpreter, so that a signal to all processes of that name
reaches it as well.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

# The witness ends when its pipe closes, at the latest when this process ends.
CODE = "import sys; sys.stdin.buffer.read()"
# Waits between checks. A signal to the group arrives at once, but some senders go from process to process.
WAITS_S = (0.0, 0.001, 0.004, 0.01, 0.02)
# How long the other pending signals of a replaced witness are remembered.
REMEMBERED_S = 1.0


class Witness:
    """An idle process in the same group, whose pending signals are read.

    Args:
        python: The interpreter to run.

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
        self._remembered: set[int] = set()
        self._replaced_s = 0.0
        self._read_end, self._write_end = os.pipe()
        self._pid = self._started()

    @property
    def present(self) -> bool:
        """Whether the witness runs."""
        return self._pid > 0 and Path(f"/proc/{self._pid}/status").exists()

    def got(self, number: int) -> bool:
        """Returns whether the witness received a signal that this process just received. True once per signal."""
        for wait_s in WAITS_S:
            time.sleep(wait_s)
            if time.monotonic() - self._replaced_s > REMEMBERED_S:
                self._remembered.clear()
            if number in self._remembered:
                self._remembered.remove(number)
                return True
            if number in self._pending():
                self._replace(number)
                return True
        return False

    def end(self) -> None:
        """Ends the witness."""
        self._kill()
        for end in (self._read_end, self._write_end):
            os.close(end)

    def _pending(self) -> set[int]:
        try:
            lines = Path(f"/proc/{self._pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
            mask = next(int(line.split()[1], 16) for line in lines if line.startswith("ShdPnd:"))
        except (OSError, StopIteration, ValueError):
            return set()
        return {number for number in signal.valid_signals() if mask >> (number - 1) & 1}

    def _replace(self, number: int) -> None:
        """Starts a new witness: a pending signal hides further ones of its kind."""
        after = self._started()  # before the old one ends, so that there is always a witness
        self._remembered |= self._pending() - {number}
        self._replaced_s = time.monotonic()
        self._kill()
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

    def _kill(self) -> None:
        if self._pid > 0:
            with suppress(OSError):
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
        self._pid = 0
