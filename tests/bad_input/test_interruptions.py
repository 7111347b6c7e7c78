"""Signals at any time end with the documented exit code, keep the results, and leave no processes."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.bad_input.conftest import FIT, MODEL, SAVED, TOO_LONG_S, Lab

READY = "open('ready', 'w').close()\n"
WAIT = READY + "import time\ntime.sleep(10**6)\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    ("script", "learned"), [(WAIT, False), (MODEL + FIT + SAVED + WAIT, True)], ids=["before fit", "after fit"]
)
def test_a_signal_ends_the_diagnosis_with_a_report_of_its_results(
    lab: Lab, number: signal.Signals, script: str, learned: bool
) -> None:
    lab.write(script)
    process = lab.start("--budget", "60", "train.py")
    lab.wait_for("ready")
    process.send_signal(number)
    ended = lab.end(process)
    assert (ended.code, ended.processes) == (130, ())
    assert "nterrupted" in ended.err
    assert "Traceback" not in ended.err
    assert ("20 epochs" in ended.out) == learned
    assert (
        "The diagnosis was interrupted during the first run of the script" in " ".join(ended.out.split())
    ) == learned
    assert lab.kept() == ({"log.txt", "report.json", "run.json"} if learned else {"log.txt"})


@pytest.mark.parametrize("pause_s", [0.0, 0.02, 0.3])
def test_repeated_ctrl_c_leaves_no_processes(lab: Lab, pause_s: float) -> None:
    lab.write(MODEL + FIT + SAVED + WAIT)
    process = lab.start("--budget", "60", "train.py")
    lab.wait_for("ready")
    for _ in range(3):
        process.send_signal(signal.SIGINT)
        time.sleep(pause_s)
    ended = lab.end(process)
    assert ended.code in (130, -signal.SIGINT)  # the latter for a signal during the shutdown of Python
    assert ended.processes == ()
    assert "Traceback" not in ended.err


def test_processes_end_when_the_diagnosis_is_killed(lab: Lab) -> None:
    lab.write(WAIT)
    process = lab.start("--budget", "60", "train.py")
    lab.wait_for("ready")
    process.kill()
    process.wait()
    until_s = time.monotonic() + TOO_LONG_S
    while lab.processes() and time.monotonic() < until_s:
        time.sleep(0.02)
    assert lab.processes() == ()
    process.communicate()


@pytest.mark.parametrize(
    ("script", "code"), [(WAIT, 2), (MODEL + FIT + SAVED + WAIT, 0)], ids=["before fit", "after fit"]
)
def test_a_killed_process_is_reported(lab: Lab, script: str, code: int) -> None:
    lab.write(script)
    process = lab.start("--budget", "4", "train.py")
    lab.wait_for("ready")
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    ended = lab.end(process)
    assert (ended.code, ended.processes) == (code, ())
    assert "killed by SIGKILL" in " ".join((ended.err + ended.out).split())
