"""Ctrl-C at bad moments, in a process of our own."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """\
import os, signal, time
from fitdoctor.cli.interrupts import repeat_lost_interrupts
repeat_lost_interrupts()
class Thing:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000): pass
"""
CAUGHT = """\
try:
    Thing()
    time.sleep(3600)
except KeyboardInterrupt:
    print("interrupted")
"""
AT_THE_END = "import atexit\natexit.register(Thing().__del__)\n"
ANOTHER = """\
class Broken:
    def __del__(self):
        raise ValueError("other")
Broken()
"""


def ran(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            sys.executable,
            "-c",
            f"import signal\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n{BEGIN}{script}",
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_an_interrupt_during_a_deletion_is_repeated() -> None:
    done = ran(CAUGHT)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\n", "", 0)


@pytest.mark.parametrize("count", range(3))
def test_an_interrupt_while_python_ends_prints_no_traceback(count: int) -> None:
    assert "Traceback" not in ran(AT_THE_END).stderr


def test_other_lost_exceptions_are_still_printed() -> None:
    assert "ValueError: other" in ran(ANOTHER).stderr
