"""Runs the launcher in forks of this process, each with one broken part.

Prints the result of each run as a line of JSON. `test_faults.py` starts it with a folder to work in, the number of its
share of the parts, and the number of shares. The forks share the imports of this process.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import shutil
import signal
import sys
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np  # noqa: F401 - loaded once, not in each fork

from bench import injection
from fitdoctor import launch

HERE = Path(__file__).parent
ENDINGS = ("end", "exit", "error", "interrupt")
PARTS = "parts.json"
LATER = ("fitdoctor.probe", "fitdoctor.changes", "fitdoctor.recording")


def main() -> None:
    """Runs the script plainly, then with its parts listed, then with each part broken."""
    # A shell that starts the tests in the background lets them ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder, share, shares = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

    # By name alone: the samplers of stacks call other parts in each process.
    def is_ours(name: str) -> bool:
        return zlib.crc32(name.encode()) % shares == share

    faults: dict[str, list[tuple[str, type[BaseException]]]] = {}
    for ending in ENDINGS:
        _say(ending=ending, part="", plain=True, **_run(folder, ending, plain=True))
        _say(ending=ending, part="", **_run(folder, ending))
        heard = _heard(folder, ending)
        for name in heard["modules"]:
            importlib.import_module(name)
        for part in heard["parts"]:
            if not part.endswith("comp>") and part not in faults:  # it fails like the function around it
                faults[part] = [(ending, error) for error in _errors(part)]
    for part in filter(is_ours, faults):
        for ending, error in faults[part]:
            _say(ending=ending, part=part, error=error.__name__, **_run(folder, ending, part, error))
    modules = sorted(name for name in sys.modules if name.startswith("fitdoctor.probe."))
    for name in filter(is_ours, modules):
        _say(ending="end", part=f"import {name}", error="ImportError", **_run(folder, "end", absent=name))


def _errors(part: str) -> list[type[BaseException]]:
    writes = part.startswith("probe/support/record_writer.py")
    return [injection.FaultError, injection.DiskFullError, MemoryError] if writes else [injection.FaultError]


def _say(**row: Any) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _heard(folder: Path, ending: str) -> dict[str, list[str]]:
    _run(folder, ending, listen=True)
    found: dict[str, list[str]] = json.loads((folder / PARTS).read_text())
    return found


def _run(
    folder: Path, ending: str, part: str = "", error: type[BaseException] | None = None, **how: Any
) -> dict[str, Any]:
    """Runs one script, and returns its exit code, output, files and record."""
    project, ours = folder / "project", folder / "ours"
    for each in (project, ours):
        shutil.rmtree(each, ignore_errors=True)
        each.mkdir()
    child = os.fork()
    if child == 0:
        _become(project, ours, ending, part, error, **how)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    record = ours / "record.json"
    return {
        "code": code,
        "out": (ours / "out").read_text(),
        "err": (ours / "err").read_text(),
        "files": {path.name: path.read_text() for path in sorted(project.iterdir())},
        "record": json.loads(record.read_text()) if record.exists() else None,
    }


def _become(
    project: Path, ours: Path, ending: str, part: str, error: type[BaseException] | None,
    *, plain: bool = False, listen: bool = False, absent: str = "",
) -> None:  # fmt: skip
    os.chdir(project)
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(ours / name, os.O_WRONLY | os.O_CREAT), number)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
    spec = {"role": "watch", "mode": "script", "target": str(HERE / "train.py"), "arguments": [ending],
            "out": str(ours / "record.json"), "spawned_s": time.monotonic()}  # fmt: skip
    (ours / "spec.json").write_text(json.dumps(spec))
    sys.path.insert(1, str(HERE / "site-packages"))
    sys.argv = [launch.__file__, str(ours / "spec.json")]
    if plain:
        launch._start_harmlessly = lambda _: _Nobody()  # type: ignore[assignment]
    if part and error is not None:
        injection.break_part(part, error)
    if absent:
        for name in [name for name in sys.modules if name.startswith(LATER)]:
            del sys.modules[name]
        sys.modules[absent] = None  # type: ignore[assignment] - Python cannot import such a module
    if listen:
        with injection.listening() as parts:
            try:
                launch.main()
            finally:
                modules = sorted(name for name in sys.modules if name.startswith(LATER))
                atexit.register(
                    lambda: (ours.parent / PARTS).write_text(json.dumps({"parts": parts, "modules": modules}))
                )
        sys.exit()
    launch.main()
    sys.exit()  # `main` returns after the last line of the script


class _Nobody:
    """A role that records nothing."""

    def exited(self, exit_: SystemExit) -> None: ...

    def raised(self, error: BaseException) -> None: ...

    def finish(self) -> None: ...


if __name__ == "__main__":
    main()
