"""The patch points of Keras are those of the pinned versions.

A new Keras that changes them fails here first, not in a user's training.
Once the changes are checked: `FITDOCTOR_UPDATE_GOLDEN=1 pytest tests/e2e/test_patch_points.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
PINNED = Path(__file__).with_name("patch_points.json")
BACKENDS = ("tensorflow", "jax", "torch")
# The pinned fields of the output of `bench/patch_points/check.py`.
FIELDS = ("patch_points", "missing", "yields")
# An older Keras that goes before the installed one on the path. `make setup` installs it.
KERAS_3_12 = Path(os.environ.get("FITDOCTOR_KERAS_3_12", Path(sys.prefix) / "keras-3.12"))


@pytest.mark.parametrize("older", [None, KERAS_3_12], ids=["newest", "3.12"])
def test_the_patch_points_are_those_of_the_pinned_version(older: Path | None) -> None:
    assert older is None or older.is_dir(), f"{older} is missing: make setup"
    found = _checked(older)
    (version,) = {printed["keras"].rpartition(".")[0] for printed in found.values()}
    pinned = json.loads(PINNED.read_text())
    current = {backend: {name: printed[name] for name in FIELDS} for backend, printed in found.items()}
    if os.environ.get("FITDOCTOR_UPDATE_GOLDEN"):
        PINNED.write_text(json.dumps(pinned | {version: current}, indent=1, sort_keys=True) + "\n")
    assert json.loads(PINNED.read_text()).get(version) == current
    assert not any(printed["missing"] for printed in found.values())


def _checked(older: Path | None) -> dict[str, Any]:
    """The output of `bench/patch_points/check.py` on each backend."""
    path = os.pathsep.join([*([str(older)] if older else []), str(ROOT / "src")])
    command = [sys.executable, "-m", "bench.patch_points.check"]
    children = {
        backend: subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in BACKENDS
    }
    outputs = {backend: child.communicate() for backend, child in children.items()}
    assert all(child.returncode == 0 for child in children.values()), outputs
    return {backend: json.loads(printed.splitlines()[-1]) for backend, (printed, _) in outputs.items()}
