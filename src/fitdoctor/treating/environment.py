"""Whether a training would run in the environment in which it was diagnosed, as far as that can be told without running it."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from fitdoctor.errors import FitdoctorError

QUESTION = """
import json, os, sys
from importlib.metadata import PackageNotFoundError, version
found = {"python": sys.version.split()[0]}
found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
for name, packages in (("keras", ["keras"]), ("backend_version", ["tensorflow", "tensorflow-cpu"])):
    for package in packages:
        try:
            found.setdefault(name, version(package))
        except PackageNotFoundError:
            pass
print(json.dumps(found))
"""
"""Reads what is installed, and imports nothing: a second or more is saved, and the script is first to choose settings."""

PATIENCE_S = 60.0
WORDS = {
    "python": "Python {}",
    "keras": "Keras {}",
    "backend": "the backend {}",
    "backend_version": "TensorFlow {}",
    "cores": "{} CPU cores",
}


def check(python: str, diagnosed: dict[str, Any], shown: str, *, again: str) -> None:
    """Compares versions, the backend and the number of cores with those of a diagnosis. Devices are compared once they are known.

    Args:
        python: The interpreter of the training.
        diagnosed: The environment as it was recorded.
        shown: What to call the diagnosis.
        again: How to make another one.

    Raises:
        FitdoctorError: They differ, or the interpreter does not answer.
    """
    here = look(python)
    if backend := os.environ.get("KERAS_BACKEND"):
        here["backend"] = backend
    for name, word in WORDS.items():
        now, then = here.get(name), diagnosed.get(name)
        if now is not None and then and _release(now) != _release(then):
            raise FitdoctorError(
                f"Received an environment with {word.format(now)}; expected {word.format(then)}, as in {shown}: what was measured there "
                f"need not hold here. Go back to it, or diagnose again: “fitdoctor diagnose {again}”."
            )


def look(python: str) -> dict[str, Any]:
    """What is installed for an interpreter.

    Raises:
        FitdoctorError: It does not answer.
    """
    try:
        done = subprocess.run([python, "-c", QUESTION], check=False, capture_output=True, text=True, timeout=PATIENCE_S)
        found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError) as error:
        raise FitdoctorError(
            f"Could not ask “{python}” for its versions ({type(error).__name__}). Expected a Python interpreter; name it with --python."
        ) from None
    return found


def _release(version: Any) -> str:
    """A version without what a builder added to it."""
    return str(version).partition("+")[0]
