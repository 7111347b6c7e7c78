"""Runs small programs in a sandbox, as this user or as another one."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
OTHER_USER = 1234
OURS = "as we are"
UNPRIVILEGED = "unprivileged"

DRIVER = """\
import json, os, subprocess, sys
from pathlib import Path
from fitdoctor.process.contained import Contained

asked = json.loads(sys.argv[1])
here = Path.cwd()
folder = here / "run" / "child"
folder.mkdir(parents=True, exist_ok=True)
notes = folder / "notes.json"
notes.write_text("{}")
contained = Contained(
    [sys.executable, "-c", asked["program"]], environment={**os.environ, "NOTES": str(notes)},
    folder=folder, notes=notes, layered=asked["layered"], offline=asked["offline"], places=[here],
    temporary=[Path("/tmp"), Path("/var/tmp"), Path.home()], caches=[here / "cache", here / "none" / "yet"],
    kept=here / "run" / "kept", stdin=subprocess.DEVNULL, descriptors=(),
)
out = contained.process.stdout.read().decode(errors="replace")
contained.end()
started, ended = contained.started, contained.ended
print(json.dumps({
    "out": out, "code": contained.process.returncode, "layered": started.layered, "why": started.why,
    "read_only": started.read_only,
    "network_namespace": started.network_namespace, "notes": json.loads(notes.read_text()), "changes": ended.changes,
    "connections": ended.connections, "left_running": ended.left_running, "full": ended.full,
    "left": [path.name for path in (here / "run").iterdir() if path.name != "kept"],
}))
"""

# Runs a command in a process that may make no namespace, as in a container without privileges.
FORBIDDEN = """\
import ctypes, os, struct, sys
# A filter of system calls as containers have it: unshare(2) is refused. See seccomp(2).
number = {"x86_64": 272, "aarch64": 97}[os.uname().machine]
steps = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(steps), ctypes.addressof(code)))
c = ctypes.CDLL(None, use_errno=True)
assert c.prctl(38, 1, 0, 0, 0) == 0
assert c.prctl(22, 2, filter_, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a program ended in a sandbox, and what was left."""

    out: str
    code: int
    layered: bool
    why: str
    read_only: list[str]
    network_namespace: bool
    notes: dict[str, Any]
    changes: list[list[str]]
    connections: list[str]
    left_running: list[str]
    full: str
    left: list[str]

    def changed(self, folder: Path) -> dict[str, str]:
        """What would have changed below a folder, by path."""
        start = f"{folder}/"
        return {path.removeprefix(start): kind for kind, path in self.changes if path.startswith(start)}


@dataclass
class Box:
    """A folder of a user's, and a way to run programs there."""

    folder: Path
    user: int | None
    prefix: list[str] = field(default_factory=list)

    def write(self, name: str, text: str = "precious") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        for each in (path, *path.parents):
            if each == self.folder:
                break
            if self.user is not None:
                os.chown(each, self.user, self.user)
        return path

    def files(self) -> dict[str, str]:
        """All that lies in the folder, what is ours left out."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            name = str(path.relative_to(self.folder))
            if path.is_symlink():
                found[name] = f"-> {path.readlink()}"
            elif path.is_file() and not name.startswith("run/"):
                found[name] = path.read_text()
        return found

    def run(self, program: str, *, layered: bool = True, offline: bool = False) -> Done:
        asked = json.dumps({"program": program, "layered": layered, "offline": offline})
        done = subprocess.run(
            [*self.prefix, sys.executable, "-c", DRIVER, asked],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            user=self.user,
            group=self.user,
            extra_groups=[] if self.user is not None else None,
            env={**os.environ, "PYTHONPATH": str(SOURCE), "HOME": str(self.folder), "PYTHONDONTWRITEBYTECODE": "1"},
        )
        assert done.returncode == 0, done.stderr
        return Done(**json.loads(done.stdout))


@functools.cache
def _others_can_run() -> bool:
    """Whether another user may read this Python and our sources: a home folder may be closed to others."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import fitdoctor.process.contained"],
            user=OTHER_USER, group=OTHER_USER, extra_groups=[], cwd="/", capture_output=True, check=False, timeout=60,
            env={**os.environ, "PYTHONPATH": str(SOURCE), "PYTHONDONTWRITEBYTECODE": "1"},
        )  # fmt: skip
    except OSError:
        return False
    return done.returncode == 0


@pytest.fixture(params=[OURS, UNPRIVILEGED])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    """A folder of this user's, and one of an unprivileged user's where this one is root."""
    if request.param == OURS:
        yield Box(tmp_path, None)
        return
    if not hasattr(os, "getuid") or os.getuid() != 0:
        pytest.skip("only root can run as somebody else")
    if not _others_can_run():
        pytest.skip("another user may not read this Python or the sources")
    folder = Path(tempfile.mkdtemp(prefix="fitdoctor-test-"))  # pytest keeps its own folders from other users
    folder.chmod(0o755)
    os.chown(folder, OTHER_USER, OTHER_USER)
    yield Box(folder, OTHER_USER)
    shutil.rmtree(folder, ignore_errors=True)
