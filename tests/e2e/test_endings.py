"""An arm that ends its process fails alone: the other arms are tried in a new process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.long]

BUDGET_S = 100.0

SCRIPT = """\
import os, signal, sys, time
import keras
import numpy as np
import tensorflow as tf

class Model(keras.Sequential):
    def train_step(self, data):
        if not tf.executing_eagerly():
            {ends}
        return super().train_step(data)

def slow(a):
    time.sleep(0.001)
    return a * 2

x = np.random.default_rng(0).normal(size=(2000, 20))
y = (x[:, :1] > 0).astype("float32")
model = Model([keras.Input((20,)), keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)])
model.compile(optimizer="adam", loss="mse", run_eagerly=True)
data = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (tf.py_function(slow, [a], tf.float64), b)).batch(32)
model.fit(data, epochs=100, verbose=0)
"""
ENDS = {
    "os._exit": ("os._exit(3)", "exit code 3"),
    "SIGKILL": ("os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
    "SIGSEGV": ("os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    "a hang": ("time.sleep(10**6)", "did not answer"),
}


def processes(folder: Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder:
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


@pytest.mark.parametrize("how", ENDS)
def test_an_arm_that_ends_its_process_fails_alone(tmp_path: Path, how: str) -> None:
    ends, words = ENDS[how]
    (tmp_path / "train.py").write_text(SCRIPT.format(ends=ends), encoding="utf-8")
    before = sorted(path.name for path in tmp_path.iterdir())
    done = subprocess.run(
        [sys.executable, "-m", "fitdoctor", "diagnose", "--budget", str(int(BUDGET_S)), "train.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"NO_COLOR": "1"},
        timeout=3 * BUDGET_S,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert processes(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([".fitdoctor", *before])
    (path,) = tmp_path.glob(".fitdoctor/*/run.json")
    rehearsal = json.loads(path.read_text())["rehearsals"][0]  # a later one measures the prescription as a whole
    arms: dict[str, dict[str, Any]] = {arm["id"]: arm for arm in rehearsal["arms"]}
    blamed = next(arm for name, arm in arms.items() if name.startswith("step/compiled-step"))
    assert blamed["failed"]
    assert words in blamed["why"]
    assert rehearsal["restarts"] == 1
    timed = {window["arm"] for window in rehearsal["windows"]}
    assert any(arm["role"] == "remedy" and name in timed for name, arm in arms.items())
    assert rehearsal["peak_rss_bytes"] > 100e6
    assert not (path.parent / "child-0-scout").exists()
    assert not list(path.parent.glob("child-*"))
