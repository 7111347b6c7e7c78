"""Whole processes: each script runs twice alone and once under `fitdoctor watch`, in the same folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.harmless.matrix import compared, content, without_times
from bench.harmless.results import environment, rows

os.environ.setdefault("FITDOCTOR_DIR", ".fitdoctor")  # recordings lie where the script runs, to be read from there
SCRIPTS = Path(__file__).parent / "scripts"
PLAIN, WATCHED = [sys.executable], [sys.executable, "-m", "fitdoctor", "watch", "-q"]
LONGEST_S = 200.0
ADDRESSES = re.compile(r"0x[0-9a-f]{6,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A script with its arguments. `sent` is a signal that it gets from outside once it has said that it is ready."""

    script: str
    argument: str = ""
    sent: signal.Signals | None = None
    needs: str = ""

    @property
    def name(self) -> str:
        return " ".join(filter(None, [self.script, self.argument, self.sent.name if self.sent else ""]))


KINDS = (
    *(Kind(script="endings", argument=how) for how in ("end", "exit", "error", "term", "interrupt")),
    *(Kind(script="endings", argument="wait", sent=number) for number in (signal.SIGTERM, signal.SIGINT)),
    *(Kind(script="handled", argument=how) for how in ("stay", "leave")),
    *(
        Kind(script=name)
        for name in (
            "pickled",
            "processes",
            "threads",
            "at_exit",
            "fault_handler",
            "debugged",
            "traced",
            "wrapped",
            "warned",
        )
    ),
    Kind(script="followed", needs="mlflow"),
)


def run(backend: str, results: Path, until_s: float) -> None:
    """Runs the scripts that the results do not have yet."""
    done = {row["name"] for row in rows(results) if (row["part"], row["backend"]) == ("process", backend)}
    for kind in KINDS:
        if kind.name not in done and time.monotonic() < until_s:
            row = {"part": "process", "backend": backend, "name": kind.name, **_held(kind, environment(backend))}
            with results.open("a") as file:
                file.write(json.dumps(row) + "\n")


def _held(kind: Kind, environment: dict[str, str]) -> dict[str, Any]:
    if (
        kind.needs
        and subprocess.run([*PLAIN, "-c", f"import {kind.needs}"], capture_output=True, check=False).returncode
    ):
        return {"agree": [], "disagree": [], "changed": {}, "failed": f"{kind.needs} is not installed", "unseen": ""}
    with tempfile.TemporaryDirectory(prefix="harmless-") as folder:
        first, second, third = (_ended(command, kind, environment, Path(folder)) for command in (PLAIN, PLAIN, WATCHED))
    seen = third.pop("seen")
    for each in (first, second):
        each.pop("seen")
    return {**compared(first, second, third), "failed": "", "code": first["code"], "unseen": seen}


def _ended(command: list[str], kind: Kind, environment: dict[str, str], root: Path) -> dict[str, Any]:
    """How one process ended, and what it left: text without times, and files by what is in them."""
    folder = root / "work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    given = SCRIPTS / f"{kind.script}.stdin"
    with given.open() if given.exists() else open("/dev/null") as stdin:  # noqa: PTH123
        process = subprocess.Popen(
            [*command, str(SCRIPTS / f"{kind.script}.py"), *filter(None, [kind.argument])],
            cwd=folder, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    said = ""
    if kind.sent and process.stdout is not None:
        for line in process.stdout:
            said += line
            if line == "ready\n":
                process.send_signal(kind.sent)
                break
    try:
        out, errors = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, errors = process.communicate()
    ours = folder / ".fitdoctor"
    seen = _seen(ours)
    shutil.rmtree(ours, ignore_errors=True)
    theirs = [line for line in errors.splitlines() if not line.startswith("fitdoctor: ")]
    return {
        "code": process.returncode,
        "stdout": _same_each_time(without_times(said + out)),
        "stderr": _same_each_time(without_times("\n".join(theirs))),
        "files": {
            str(path.relative_to(folder)): content(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "runs" not in path.relative_to(folder).parts
        },
        "seen": seen,
    }


def _same_each_time(text: str) -> str:
    lines = text.splitlines()
    return "\n".join(
        ADDRESSES.sub("<address>", line) for line in lines if "port.cc" not in line and "absl::Initialize" not in line
    )


def _seen(ours: Path) -> str:
    """What the recording lacks; an empty text where it has steps of a fit and no more to say."""
    try:
        (path,) = ours.glob("*/run.json")
    except ValueError:
        return "no recording"
    watched = json.loads(path.read_text())["watched"]
    steps = sum(fit["first_step"]["count"] for fit in watched["fits"])
    return " ".join(watched["limits"]) or ("" if steps else "no step was seen")
