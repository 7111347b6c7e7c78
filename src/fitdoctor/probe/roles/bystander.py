"""The probe of a Python program that a tried script starts: a worker, a second run of the script, another training.

It protects the user's files, notes connections and programs, and cuts fits short. It keeps no record: only the script's
own process is diagnosed. It notes a call of `fit`, so that the report can say where the training is.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from fitdoctor.probe.processes import commands
from fitdoctor.probe.processes.commands import SPEC
from fitdoctor.probe.processes.run_notes import SUFFIX
from fitdoctor.probe.support.our_files import LAUNCH

if TYPE_CHECKING:
    from fitdoctor.probe.roles.probe import Probe

ROLE = "bystander"
# The environment variable with the number of the script's process.
PROCESS = "FITDOCTOR_PROCESS"
# First on PYTHONPATH, so that Python imports `sitecustomize` from here.
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "startup")
# Code of helper processes that only manage resources of others.
HELPERS = (
    "from multiprocessing.resource_tracker",
    "from multiprocessing.semaphore_tracker",
    "from joblib.externals.loky.backend.resource",
)
NEVER_SHOWN = ("PYTHONPATH", "PWD", "OLDPWD", "SHLVL", "_", "FITDOCTOR_CHILD", SPEC, PROCESS)
SECRET = ("KEY", "TOKEN", "SECRET", "PASS", "AUTH", "CRED")
MOST_VARIABLES = 6
LONGEST_VALUE = 60


def prepare(path: str) -> dict[str, str]:
    """Has Python programs that start from here on load the probe first, and gives the variables that do so.

    Args:
        path: Of the specification.
    """
    others = [folder for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) if folder and folder != FOLDER]
    variables = {"PYTHONPATH": os.pathsep.join([FOLDER, *others]), SPEC: path, PROCESS: str(os.getpid())}
    os.environ.update(variables)
    return variables


def begin() -> None:
    """Starts the probe of this process. Our `sitecustomize` calls it."""
    path = os.environ.get(SPEC, "")
    words = sys.orig_argv
    command = commands.python_command(words[0], ["", *words[1:]], os.environ) if words else None
    if not path or command is None or command.mode == "code" and command.target.startswith(HELPERS):
        return
    if command.mode == "script" and os.path.realpath(command.target) == os.path.realpath(LAUNCH):
        return  # our launcher starts its own probe
    from fitdoctor.probe.files.protection import made_list
    from fitdoctor.probe.roles import start  # which imports this module

    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    described = {**spec, "role": ROLE, "out": os.devnull, "notes": spec["out"] + SUFFIX, "shown": command.shown}
    described["made"] = made_list(spec["out"])
    described |= {"limit_s": 0, "limits": [], "environment": _changed_variables(os.environ.get(PROCESS, ""))}
    start.start(described)


def note_fit(probe: Probe) -> None:
    """Notes that this program trains."""
    spec = probe.spec
    probe.notes.add("process", kind="started", command=spec["shown"], environment=spec["environment"], fits=True)


def _changed_variables(script: str) -> list[str]:
    """The variables, as `NAME=value`, that differ from those at the script's start. Secrets are left out."""
    try:
        with open(f"/proc/{script}/environ", "rb") as file:
            before = _variables(file.read())
    except OSError:
        return []
    found = {name: value for name, value in os.environ.items() if before.get(name) != value and name not in NEVER_SHOWN}
    return [f"{name}={value}" for name, value in found.items() if _may_be_shown(name, value)][:MOST_VARIABLES]


def _variables(data: bytes) -> Mapping[str, str]:
    pairs = (os.fsdecode(pair).partition("=") for pair in data.split(b"\0") if pair)
    return {name: value for name, _, value in pairs}


def _may_be_shown(name: str, value: str) -> bool:
    return len(value) <= LONGEST_VALUE and not any(word in name.upper() for word in SECRET)
