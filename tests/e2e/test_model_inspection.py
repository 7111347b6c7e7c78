"""The inspection of a model finds what is there, and leaves the model and all random generators unchanged."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

SCRIPT = Path(__file__).parents[1] / "support" / "model_inspection_script.py"


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_an_inspection_leaves_the_model_and_random_generators_unchanged(backend: str) -> None:
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run([sys.executable, str(SCRIPT)], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.splitlines()[-1]) == {"backend": backend, "rows": [32, 16]}
