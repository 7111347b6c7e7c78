"""`fitdoctor watch` at a terminal: stops, hang-ups and process groups are those of the script alone."""

from __future__ import annotations

import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.test_supervisor import RUN


@pytest.mark.parametrize("how", RUN)
@pytest.mark.parametrize("handles", [False, True])
def test_a_shell_can_stop_and_continue_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, handles: bool
) -> None:
    """Ctrl-Z, `fg` and `bg` at a terminal, and a script that has a handler for Ctrl-Z and does not stop."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(STOPPED.replace("HANDLES", str(handles)))
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], {**os.environ, "PS1": "$ ", "TERM": "dumb"})
    try:
        shown = _until(terminal, b"$ ")
        os.write(terminal, f"{' '.join(RUN[how])} train.py\n".encode())
        _until(terminal, b"ready")
        time.sleep(0.5)  # it waits for a line by then
        os.write(terminal, b"\x1a")
        if handles:
            _until(terminal, b"handled")
        else:
            _until(terminal, b"Stopped")
            os.write(terminal, b"fg\n")
            _until(terminal, b"continued")
        os.write(terminal, b"a line\n")
        shown = _until(terminal, b"got a line")
        os.write(terminal, b"echo code $?.\n")
        shown = _until(terminal, b"code 3.")
        assert b"Traceback" not in shown
    finally:
        os.kill(pid, signal.SIGKILL)
        os.close(terminal)
        os.waitpid(pid, 0)


STOPPED = """\
import os, signal, sys
signal.signal(signal.SIGCONT, lambda *_: print("contin" + "ued", flush=True))
if HANDLES:
    signal.signal(signal.SIGTSTP, lambda *_: print("hand" + "led", flush=True))
print("rea" + "dy", flush=True)
print("got", input())
sys.exit(3)
"""


def _until(terminal: int, words: bytes) -> bytes:
    shown = b""
    until_s = time.monotonic() + 60
    while words not in shown:
        ready, _, _ = select.select([terminal], [], [], max(0.0, until_s - time.monotonic()))
        assert ready, shown
        shown += os.read(terminal, 4096)
    return shown


def _press(terminal: int, key: bytes, words: bytes) -> None:
    """Presses a key until that shows:

    while a process changes groups or is just being continued, the kernel may drop what it stops by.
    """
    for _ in range(20):
        os.write(terminal, key)
        shown, until_s = b"", time.monotonic() + 3
        while words not in shown and select.select([terminal], [], [], max(0.0, until_s - time.monotonic()))[0]:
            shown += os.read(terminal, 4096)
        if words in shown:
            return
    pytest.fail(f"{key!r} did nothing")


@pytest.mark.parametrize("how", RUN)
def test_the_script_receives_the_hang_up_of_its_terminal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """The kernel sends that to the leader of the session alone, which is our process."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(HUNG_UP)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(RUN[how][0], [*RUN[how], "train.py"])
    _until(terminal, b"ready")
    time.sleep(0.3)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 4
    assert (tmp_path / "heard").read_text() == "1"


HUNG_UP = """\
import os, signal, time
times = []
signal.signal(signal.SIGHUP, lambda *_: times.append(1))
print("ready", flush=True)
while not times:
    time.sleep(0.05)
time.sleep(0.3)
open("heard", "w").write(str(len(times)))
os._exit(4)
"""


OWN_GROUP = """\
import os, sys, time
os.setpgrp()
print("rea" + "dy", flush=True)
print("got", input(), flush=True)
print("sle" + "eps", flush=True)
time.sleep(60)
"""


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The terminal of an interactive shell."""
    monkeypatch.chdir(tmp_path)
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], {**os.environ, "PS1": "$ ", "TERM": "dumb"})
    _until(terminal, b"$ ")
    yield terminal
    os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    os.waitpid(pid, 0)


@pytest.mark.parametrize("how", RUN)
@pytest.mark.parametrize("reads", [False, True])
def test_a_script_in_a_group_of_its_own_keeps_the_terminal(tmp_path: Path, shell: int, how: str, reads: bool) -> None:
    """Ctrl-Z, `fg` and Ctrl-C, before and after it has read a line."""
    (tmp_path / "train.py").write_text(OWN_GROUP if reads else OWN_GROUP.replace("input()", "'a line'"))
    os.write(shell, f"{' '.join(RUN[how])} train.py\n".encode())
    if reads:
        _until(shell, b"ready")
        os.write(shell, b"a line\n")
    assert b"got a line" in _until(shell, b"sleeps")
    _press(shell, b"\x1a", b"Stopped")
    os.write(shell, b"fg\n")
    _until(shell, b"train.py")
    _press(shell, b"\x03", b"KeyboardInterrupt")
    os.write(shell, b"echo code $?.\n")
    _until(shell, b"code 130.")


@pytest.mark.parametrize("how", RUN)
def test_a_script_in_a_group_of_its_own_reads_again_after_a_stop(tmp_path: Path, shell: int, how: str) -> None:
    (tmp_path / "train.py").write_text(OWN_GROUP.replace("time.sleep(60)", "sys.exit(3)"))
    os.write(shell, f"{' '.join(RUN[how])} train.py\n".encode())
    _until(shell, b"ready")
    _press(shell, b"\x1a", b"Stopped")
    os.write(shell, b"fg\n")
    _until(shell, b"train.py")
    os.write(shell, b"a line\n")
    _until(shell, b"got a line")
    os.write(shell, b"echo code $?.\n")
    _until(shell, b"code 3.")
