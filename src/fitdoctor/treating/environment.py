"""Whether a training would run in the environment in which it was diagnosed, as far as that can be told without running
it.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from fitdoctor.errors import FitdoctorError
from fitdoctor.interpreter import ask

QUESTION = """
import json
found = {"python": sys.version.split()[0]}
found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
for package in ("keras", "tf-keras", "tensorflow", "tensorflow-cpu", "jax", "torch"):
    if version(package):
        found[package] = version(package)
print(json.dumps(found))
"""
"""Reads what is installed, and imports nothing:

a second or more is saved, and the script is first to choose settings.
"""

PATIENCE_S = 60.0
LEGACY = "tf_keras"
FRAMEWORKS = {
    "tensorflow": ("TensorFlow", ("tensorflow", "tensorflow-cpu")),
    "jax": ("JAX", ("jax",)),
    "torch": ("PyTorch", ("torch",)),
    LEGACY: ("TensorFlow", ("tensorflow", "tensorflow-cpu")),
}
"""What each backend of Keras runs on, and the packages that bring it."""
WORDS = {
    "python": "Python {}",
    "keras": "{keras} {}",
    "backend": "the backend {}",
    "backend_version": "{framework} {}",
    "cores": "{} CPU cores",
}


def check(python: str, diagnosed: dict[str, Any], shown: str, *, again: str) -> None:
    """Compares versions, the backend and the number of cores with those of a diagnosis. Devices are compared once they
    are known.

    Args:
        python: The interpreter of the training.
        diagnosed: The environment as it was recorded.
        shown: What to call the diagnosis.
        again: How to make another one.

    Raises:
        FitdoctorError: They differ, or the interpreter does not answer.
    """
    here = _as_recorded(look(python), str(diagnosed.get("backend") or "tensorflow"))
    keras = LEGACY if diagnosed.get("backend") == LEGACY else "Keras"
    framework = FRAMEWORKS.get(str(diagnosed.get("backend")), FRAMEWORKS["tensorflow"])[0]
    for name, form in WORDS.items():
        word = form.replace("{keras}", keras).replace("{framework}", framework)
        now, then = here.get(name), diagnosed.get(name)
        if now is not None and then and _release(now) != _release(then):
            raise FitdoctorError(
                f"Received an environment with {word.format(now)}; expected {word.format(then)}, as in {shown}: what was measured there "
                f"need not hold here. Go back to it, or diagnose again: “fitdoctor diagnose {again}”."
            )


def _as_recorded(installed: dict[str, Any], backend: str) -> dict[str, Any]:
    """What is installed, by the names that the record has for a training on this backend."""
    found: dict[str, Any] = {name: installed[name] for name in ("python", "cores") if name in installed}
    found["keras"] = installed.get("tf-keras" if backend == LEGACY else "keras")
    found["backend_version"] = next(
        (installed[each] for each in FRAMEWORKS.get(backend, ("", ()))[1] if each in installed), None
    )
    if (chosen := os.environ.get("KERAS_BACKEND")) and backend != LEGACY:
        found["backend"] = chosen
    return found


def look(python: str) -> dict[str, Any]:
    """What is installed for an interpreter.

    Raises:
        FitdoctorError: It does not answer.
    """
    try:
        found: dict[str, Any] = json.loads(ask(python, QUESTION, patience_s=PATIENCE_S).splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise FitdoctorError(
            f"Could not ask “{python}” for its versions ({type(error).__name__}). Expected a Python interpreter; name it with --python."
        ) from None
    return found


def _release(version: Any) -> str:
    """A version without what a builder added to it."""
    return str(version).partition("+")[0]
