"""`fitdoctor watch` beside scripts without a framework: exit codes, signals and streams are the script's own."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

WATCH = [sys.executable, "-m", "fitdoctor", "watch"]
SCRIPT = """\
import os, signal, sys, time
print("begun", sys.argv[1:], flush=True)
how = sys.argv[1]
if how == "exit":
    sys.exit(3)
if how == "words":
    sys.exit("no data")
if how == "error":
    raise OSError("disk")
if how == "segfault":
    os.kill(os.getpid(), signal.SIGSEGV)
if how == "leave":
    os._exit(7)
if how == "read":
    print(sys.stdin.read())
if how == "handle":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(9))
    signal.signal(signal.SIGUSR1, lambda *_: print("usr1", flush=True))
if how in ("handle", "wait"):
    print("ready", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return "train.py"


def started(*command: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while process.stdout.readline() != "ready\n":
        pass
    return process


@pytest.mark.parametrize("how", ["end", "exit", "words", "error", "segfault", "leave", "read", "--help"])
def test_it_ends_and_prints_as_the_script_does_alone(script: str, how: str) -> None:
    plain, watched = (
        subprocess.run([*command, script, how], check=False, capture_output=True, text=True, input="two\nlines\n")
        for command in ([sys.executable], WATCH)
    )
    assert (watched.returncode, watched.stdout) == (plain.returncode, plain.stdout)
    assert watched.stderr.startswith(plain.stderr)
    assert "fitdoctor: No step of a fit was seen, so there is nothing to report.\n" in watched.stderr


def test_signals_reach_the_script(script: str) -> None:
    process = started(*WATCH, script, "handle")
    process.send_signal(signal.SIGUSR1)
    assert process.stdout is not None
    assert process.stdout.readline() == "usr1\n"
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 9


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT])
def test_it_dies_of_what_the_script_dies_of(script: str, number: signal.Signals) -> None:
    process = started(*WATCH, script, "wait")
    process.send_signal(number)
    _, errors = process.communicate()
    assert process.returncode == -number
    assert "nothing to report" in errors


def test_a_ctrl_c_at_a_terminal_comes_once(script: str) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(WATCH[0], [*WATCH, script, "wait"])
    shown = b""
    while b"ready" not in shown:
        shown += os.read(terminal, 4096)
    os.write(terminal, b"\x03")
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:
        pass
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGINT
    assert shown.count(b"KeyboardInterrupt") == 1
    assert b"nothing to report" in shown


def test_the_script_outlives_a_supervisor_that_is_killed(script: str, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import time\nprint('ready', flush=True)\ntime.sleep(1)\nopen('done', 'w').close()")
    process = started(*WATCH, script)
    process.kill()
    process.wait()
    until = time.monotonic() + 20
    while not (tmp_path / "done").exists() and time.monotonic() < until:
        time.sleep(0.1)
    assert (tmp_path / "done").exists()


def test_without_a_place_to_record_it_runs_all_the_same(script: str, tmp_path: Path) -> None:
    (tmp_path / ".fitdoctor").write_text("in the way")
    nowhere = {**os.environ, "TMPDIR": "/proc/nowhere", "TEMP": "/proc/nowhere", "TMP": "/proc/nowhere"}
    done = subprocess.run([*WATCH, script, "exit"], check=False, capture_output=True, text=True, env=nowhere)
    assert done.returncode == 3
    assert done.stdout == "begun ['exit']\n"


def test_what_is_no_script_is_refused(script: str) -> None:
    done = subprocess.run([*WATCH, "missing.py"], check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert "does not exist" in done.stderr
