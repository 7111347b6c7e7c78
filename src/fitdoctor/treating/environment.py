"""Checks, without running it, that a training would run in the environment of its diagnosis."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

from fitdoctor.errors import FitdoctorError
from fitdoctor.interpreter import ask

# Reads installed versions without importing anything: that would take a second, and may fix settings.
QUESTION = """
import json
found = {"python": sys.version.split()[0]}
found["cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
for package in ("keras", "tf-keras", "tensorflow", "tensorflow-cpu", "jax", "torch"):
    if version(package):
        found[package] = version(package)
print(json.dumps(found))
"""
PATIENCE_S = 60.0
LEGACY = "tf_keras"
# The framework of each backend of Keras, and the packages that contain it.
FRAMEWORKS = {
    "tensorflow": ("TensorFlow", ("tensorflow", "tensorflow-cpu")),
    "jax": ("JAX", ("jax",)),
    "torch": ("PyTorch", ("torch",)),
    LEGACY: ("TensorFlow", ("tensorflow", "tensorflow-cpu")),
}
WORDS = {
    "python": "Python {}",
    "keras": "{keras} {}",
    "backend": "the backend {}",
    "backend_version": "{framework} {}",
    "cores": "{} CPU cores",
}


def check(python: str, diagnosed: dict[str, Any], shown: str, *, again: str) -> None:
    """Compares versions, the backend and the number of cores with a diagnosis. Devices are compared later.

    Args:
        python: The interpreter of the training.
        diagnosed: The recorded environment.
        shown: The name of the diagnosis in messages.
        again: The arguments of `fitdoctor diagnose` for another one.

    Raises:
        FitdoctorError: They differ, or the interpreter does not answer.
    """
    here = _as_recorded(installed_versions(python), str(diagnosed.get("backend") or "tensorflow"))
    keras = LEGACY if diagnosed.get("backend") == LEGACY else "Keras"
    framework = FRAMEWORKS.get(str(diagnosed.get("backend")), FRAMEWORKS["tensorflow"])[0]
    for name, form in WORDS.items():
        word = form.replace("{keras}", keras).replace("{framework}", framework)
        now, then = here.get(name), diagnosed.get(name)
        if now is not None and then and _release(now) != _release(then):
            raise FitdoctorError(
                f"Received an environment with {word.format(now)}; expected {word.format(then)}, as in {shown}: its "
                "measurements may not hold here. Use that environment, or diagnose again: "
                f"“fitdoctor diagnose {again}”."
            )


def _as_recorded(installed: dict[str, Any], backend: str) -> dict[str, Any]:
    """Returns installed versions by the names that a record has for a training on this backend."""
    found: dict[str, Any] = {name: installed[name] for name in ("python", "cores") if name in installed}
    found["keras"] = installed.get("tf-keras" if backend == LEGACY else "keras")
    found["backend_version"] = next(
        (installed[each] for each in FRAMEWORKS.get(backend, ("", ()))[1] if each in installed), None
    )
    if (chosen := os.environ.get("KERAS_BACKEND")) and backend != LEGACY:
        found["backend"] = chosen
    return found


def installed_versions(python: str) -> dict[str, Any]:
    """Returns the installed versions of an interpreter.

    Raises:
        FitdoctorError: It does not answer.
    """
    try:
        found: dict[str, Any] = json.loads(ask(python, QUESTION, patience_s=PATIENCE_S).splitlines()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        raise FitdoctorError(
            f"Could not ask “{python}” for its versions ({type(error).__name__}). Expected a Python interpreter; name "
            "it with --python."
        ) from None
    return found


def _release(version: Any) -> str:
    """Returns a version without its local part."""
    return str(version).partition("+")[0]
