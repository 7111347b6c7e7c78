"""Diagnoses of bad scripts, with a fake Keras that only sleeps: see `site-packages`."""

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
# The path of the fake Keras and of the tested fitdoctor, which goes before an installed one.
FAKES_PATH = os.pathsep.join([str(FAKES), str(Path(fitdoctor.__file__).parent.parent)])
TOO_LONG_S = 60.0

MODEL = """\
import keras
import numpy as np
x = np.zeros((320, 2))
model = keras.Model()
model.compile()
"""
FIT = "model.fit(x, epochs=20)\n"
# An expression that is true in every process but the first.
REHEARSED = "'rehearsal-spec' in open('/proc/self/cmdline').read()"
# Waits until the record is written: a killed process may lose the last second.
SAVED = "import time\ntime.sleep(1.3)\n"


@dataclass(frozen=True)
class Ended:
    """An ended diagnosis: its exit code, output and files, and processes that still run."""

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
        time.sleep(0.02)  # longer than the resolution of file times: these files existed before

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
        """The files in the folder, without ours and caches."""
        return {
            str(path.relative_to(self.folder)): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not {".fitdoctor", "__pycache__"} & set(path.parts)
        }

    def kept(self) -> set[str]:
        """The names of the files of the run."""
        return {path.name for path in self.folder.glob(".fitdoctor/*/*")}

    def processes(self) -> tuple[str, ...]:
        """The command lines of the processes whose current directory is in the folder."""
        found = []
        for entry in self.proc_folders():
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
        """Whether the script made a file: in the folder, or in the scratch layer of a process."""
        roots = [entry / "root" for entry in self.proc_folders()]
        return any((root / (self.folder / name).relative_to("/")).exists() for root in (Path("/"), *roots))

    def proc_folders(self) -> list[Path]:
        """The /proc folders of the processes whose current directory is in the folder."""
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
