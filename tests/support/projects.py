"""Scripts that are run under the launcher, as a diagnosis runs them, and the same ones under plain Python."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import fitdoctor
from fitdoctor.recording.load import decode_scout
from fitdoctor.recording.model import ProcessRecord

LAUNCH = Path(fitdoctor.__file__).parent / "launch.py"
BLOCKED = 75
FLAGS = {"script": (), "module": ("-m",), "code": ("-c",)}


class Project:
    """A folder with the user's files, and one beside it for ours.

    Args:
        folder: An empty folder of the test's own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.ours = folder / "project", folder / "ours"
        self.folder.mkdir()
        self.ours.mkdir()
        self.began_s = 0.0

    def write(self, **files: str) -> None:
        """Makes `name.py` for each name."""
        for name, source in files.items():
            (self.folder / f"{name}.py").write_text(source, encoding="utf-8")

    def begin(self) -> None:
        """What lies there from now on was there before the diagnosis:

        the kernel's clock is a few milliseconds coarse.
        """
        time.sleep(0.02)
        self.began_s = time.time()

    def python(self, target: str, *arguments: str, mode: str = "script") -> subprocess.CompletedProcess[str]:
        return self._run([sys.executable, *FLAGS[mode], target, *arguments])

    def launch(
        self,
        target: str,
        *arguments: str,
        mode: str = "script",
        role: str = "scout",
        timeout_s: float = 120.0,
        pass_fds: tuple[int, ...] = (),
        **spec: Any,
    ) -> subprocess.CompletedProcess[str]:
        if not self.began_s:
            self.begin()
        described = {
            "role": role,
            "mode": mode,
            "target": target,
            "arguments": list(arguments),
            "out": str(self.ours / "record.json"),
            "scratch": str(self.ours / "scratch"),
            "began_s": self.began_s,
            "spawned_s": time.monotonic(),
            "allow_writes": False,
            **spec,
        }
        path = self.ours / "spec.json"
        path.write_text(json.dumps(described), encoding="utf-8")
        return self._run([sys.executable, str(LAUNCH), str(path)], timeout_s, pass_fds)

    def record(self) -> ProcessRecord:
        return decode_scout((self.ours / "record.json").read_bytes())

    def _run(
        self, command: list[str], timeout_s: float = 60.0, pass_fds: tuple[int, ...] = ()
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env=environment,
            timeout=timeout_s,
            pass_fds=pass_fds,
        )
