"""Whole diagnoses of bad scripts, with a Keras that only sleeps: see `site-packages`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import fitdoctor

FAKES = Path(__file__).parent / "site-packages"
FAKES_PATH = os.pathsep.join([str(FAKES), str(Path(fitdoctor.__file__).parent.parent)])
"""The Keras that only sleeps, and the fitdoctor that is tested, wherever another one is installed."""
TOO_LONG_S = 60.0

MODEL = """\
import keras
import numpy as np
x = np.zeros((320, 2))
model = keras.Model()
model.compile()
"""
FIT = "model.fit(x, epochs=20)\n"
REHEARSED = "'rehearsal-spec' in open('/proc/self/cmdline').read()"
"""What is true in every child but the first."""
SAVED = "import time\ntime.sleep(1.3)\n"
"""A child that is killed may lose the last second."""


@dataclass(frozen=True)
class Ended:
    """What is left of a diagnosis: its exit code and words, changed files, and processes that outlived it."""

    code: int
    out: str
    err: str
    files: Mapping[str, str]
    processes: tuple[str, ...]


@dataclass
class Lab:
    """A folder with a script in it, and a command line."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, script: str, **files: str) -> None:
        (self.folder / "train.py").write_text(script, encoding="utf-8")
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text, encoding="utf-8")
        time.sleep(0.02)  # the kernel's clock is a few milliseconds coarse: these files were there before

    def start(
        self, *arguments: str, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.PIPE
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "fitdoctor", "diagnose", *arguments],
            cwd=self.folder,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment_of_child(),
            start_new_session=True,
        )
        self.running.append(process)
        return process

    def environment_of_child(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, [FAKES_PATH, os.environ.get("PYTHONPATH")])),
            **self.environment,
        }

    def end(self, process: subprocess.Popen[str], stdin: str | None = None) -> Ended:
        out, err = process.communicate(stdin, timeout=TOO_LONG_S)
        return Ended(code=process.returncode, out=out, err=err, files=self.files(), processes=self.processes())

    def diagnose(self, script: str, *arguments: str, budget: str = "4", **files: str) -> Ended:
        self.write(script, **files)
        return self.end(self.start("--budget", budget, *(arguments or ("train.py",))))

    def files(self) -> dict[str, str]:
        """What lies in the folder, ours and caches left out."""
        return {
            str(path.relative_to(self.folder)): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not {".fitdoctor", "__pycache__"} & set(path.parts)
        }

    def kept(self) -> set[str]:
        """The files of the one run."""
        return {path.name for path in self.folder.glob(".fitdoctor/*/*")}

    def processes(self) -> tuple[str, ...]:
        """Command lines of the processes that stand in the folder."""
        found = []
        for entry in self.standing():
            with suppress(OSError):
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        return tuple(found)

    def wait_for(self, name: str) -> None:
        """Waits until the script has made a file."""
        until_s = time.monotonic() + TOO_LONG_S
        while not self.made(name):
            assert time.monotonic() < until_s, f"{name} was not made"
            time.sleep(0.02)

    def made(self, name: str) -> bool:
        """Whether the script has made a file: in the folder, or in the scratch layer of a process that stands there."""
        roots = [entry / "root" for entry in self.standing()]
        return any((root / (self.folder / name).relative_to("/")).exists() for root in (Path("/"), *roots))

    def standing(self) -> list[Path]:
        """The processes that stand in the folder, as /proc has them."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if (entry / "cwd").readlink().is_relative_to(self.folder):
                    found.append(entry)
            except OSError:
                continue
        return found


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    folder = tmp_path / "project"
    folder.mkdir()
    made = Lab(folder)
    yield made
    for process in made.running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
