"""`fitdoctor watch` sees what a script does to the machine, and a script does not notice when it can't."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fitdoctor.recording.load import load_run
from fitdoctor.recording.system import System

MB = 1 << 20
SCRIPT = """\
import os, subprocess, sys, time
held = bytearray(200 << 20)
with open("data.bin", "wb") as file:
    file.write(bytes(30 << 20))
    file.flush()
    os.fsync(file.fileno())
with open("data.bin", "rb") as file:
    file.read()
child = subprocess.Popen([sys.executable, "-c", "held = bytearray(50 << 20); input()"], stdin=subprocess.PIPE)
time.sleep(4)  # a look is taken several times a second, for new processes about once
child.communicate(b"\\n")
sys.exit(3)
"""
STARTED = (
    "import sys\nfrom fitdoctor.system import look, sampler\n{}\nfrom fitdoctor.cli.main import main\n"
    "sys.argv[0] = 'fitdoctor'\nmain()"
)
RAISING = "def fails(*_): raise ValueError('strange')\nlook.OUTSIDE.update({name: fails for name in look.OUTSIDE})"
NO_LOOK = "def fails(*_): raise ValueError('strange')\nsampler.Look = fails"


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "train.py").write_text(SCRIPT)
    return "train.py"


def seen(tmp_path: Path) -> System:
    (folder,) = (path for path in (tmp_path / ".fitdoctor").iterdir() if path.is_dir())
    run = load_run(folder / "run.json")
    assert run.watched is not None
    assert run.watched.system is not None
    return run.watched.system


def test_memory_files_and_children_are_recorded(script: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "fitdoctor", "watch", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 3
    system = seen(tmp_path)
    counters, levels = system.series.counters, system.series.levels
    assert most(levels["rss_bytes"].most) >= 250 * MB
    assert most(levels["processes"].most) >= 2
    assert total(counters["written_bytes"]) >= 30 * MB
    assert total(counters["read_bytes"]) >= 30 * MB
    assert total(counters["process_cpu_s"]) > 0
    assert sum(system.stretches_s) >= 4
    assert system.limits == []


@pytest.mark.parametrize("fault", [RAISING, NO_LOOK])
def test_unreadable_counters_do_not_disturb_the_script(script: str, tmp_path: Path, fault: str) -> None:
    (tmp_path / "train.py").write_text("import sys; print('trained'); sys.exit(3)")
    command = [sys.executable, "-c", STARTED.format(fault), "watch", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "trained\n"), done.stderr
    assert "ValueError: strange" in " ".join(seen(tmp_path).limits)


def most(values: list[float | None]) -> float:
    return max(value for value in values if value is not None)


def total(values: list[float | None]) -> float:
    return sum(value or 0.0 for value in values)
