"""Starts a script under the probe, as a rehearsal does, and sends it commands for arms and windows."""

from __future__ import annotations

import ast
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from fitdoctor.process.child import Child, StandardInput
from fitdoctor.process.request import DiagnoseRequest
from fitdoctor.recording.folder import RunFolder
from fitdoctor.recording.trial_protocol import Command, Failed
from fitdoctor.trials.executor import carry_out

R = TypeVar("R")

KINDS = Path(__file__).resolve().parent / "kinds"
REPLY_S, STARTUP_S = 300.0, 300.0
LIMIT_S = 1800.0
BUSY = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"


def kinds() -> dict[str, Path]:
    """Returns the scripts by name."""
    return {path.stem: path for path in sorted(KINDS.glob("*.py")) if path.stem != "delayed"}


@contextmanager
def rehearsal(script: Path, *arguments: str) -> Iterator[Child]:
    """Starts a child that runs the script up to its `fit`, and ends it on leaving the block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        request = DiagnoseRequest(
            target=str(script),
            arguments=arguments,
            mode="script",
            python=sys.executable,
            budget_s=LIMIT_S,
            allow_writes=False,
            folder=RunFolder(path=folder),
        )
        site = {"kind": "fit", "file": str(script), "line": fit_line(script), "race": False}
        stdin, log = StandardInput(), folder / "log.txt"
        child = Child(
            request, "rehearsal", folder=folder / "child", stdin=stdin, log=log, began_s=time.time(), site=site,
            limit_s=LIMIT_S, hard_limit_s=LIMIT_S,
        )  # fmt: skip
        try:
            yield child
        except BaseException:
            sys.stderr.write(log.read_text(errors="replace")[-2000:] if log.exists() else "")
            raise
        finally:
            child.end()


def fit_line(script: Path) -> int:
    """Returns the line that calls `fit`."""
    calls = (node for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    return next(call.lineno for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "fit")


def asked(child: Child, command: Command[R]) -> R:
    """Returns the child's reply.

    Raises:
        RuntimeError: The child reports an error.
    """
    reply = carry_out(child, command, REPLY_S)
    if isinstance(reply, Failed):
        raise RuntimeError(f"{command.do}: {reply.error}")
    return reply


@contextmanager
def busy_process(wanted: bool) -> Iterator[None]:
    """Keeps one core busy with another process during the block."""
    if not wanted:
        yield
        return
    other = subprocess.Popen([sys.executable, "-c", BUSY])
    try:
        yield
    finally:
        other.kill()
        other.wait()
