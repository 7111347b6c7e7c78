"""The places in Keras where fitdoctor stands, pinned: what a new Keras changes shows here before it shows in a user's
training.

After a look at what has changed: `FITDOCTOR_UPDATE_GOLDEN=1 pytest tests/e2e/test_seams.py`.
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
PINNED = Path(__file__).with_name("seams.json")
BACKENDS = ("tensorflow", "jax", "torch")
KERAS_3_12 = Path(os.environ.get("FITDOCTOR_KERAS_3_12", Path(sys.prefix) / "keras-3.12"))
"""Made by `make setup`: an older Keras, to be put over the one that is installed."""


@pytest.mark.parametrize("over", [None, KERAS_3_12], ids=["newest", "3.12"])
def test_the_seams_are_where_they_were(over: Path | None) -> None:
    assert over is None or over.is_dir(), f"{over} is missing: make setup"
    found = _look(over)
    (version,) = {look["keras"].rpartition(".")[0] for look in found.values()}
    pinned = json.loads(PINNED.read_text())
    seen = {backend: {name: look[name] for name in ("seams", "missing", "yields")} for backend, look in found.items()}
    if os.environ.get("FITDOCTOR_UPDATE_GOLDEN"):
        PINNED.write_text(json.dumps(pinned | {version: seen}, indent=1, sort_keys=True) + "\n")
    assert json.loads(PINNED.read_text()).get(version) == seen
    assert not any(look["missing"] for look in found.values())


def _look(over: Path | None) -> dict[str, Any]:
    """What `bench/patch_points/check.py` prints on each backend."""
    path = os.pathsep.join([*([str(over)] if over else []), str(ROOT / "src")])
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
