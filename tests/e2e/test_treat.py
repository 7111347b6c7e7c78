"""`fitdoctor treat` on a real training: the same weights, exit code and signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fitdoctor.recording.load import load_run

pytestmark = pytest.mark.e2e

FITDOCTOR = [sys.executable, "-m", "fitdoctor"]
SCRIPT = """\
import hashlib, os, sys, time
import keras
import numpy as np
import tensorflow as tf

from reading import slow

keras.utils.set_random_seed(0)
x = np.random.rand(640, 8).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Wait(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if os.path.exists("wait") and epoch == 1:
            print("ready", flush=True)
            time.sleep(60)
        if os.path.exists("stop") and epoch == 2:
            self.model.stop_training = True


data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(640).batch(8).map(slow)
model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(data, epochs=12, verbose=0, callbacks=[Wait()])
print(hashlib.md5(b"".join(w.tobytes() for w in model.get_weights())).hexdigest())
sys.exit(3)
"""
READING = """\
import time
import tensorflow as tf


def read(a):
    time.sleep(0.01)
    return a


def slow(a, b):
    read_a = tf.numpy_function(read, [a], tf.float32)
    read_a.set_shape(a.shape)
    return read_a, b
"""
BUDGET_S = "60"


def run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=project, check=False, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A diagnosed script with a slow input pipeline."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    folder = tmp_path_factory.mktemp("project")
    (folder / "train.py").write_text(SCRIPT)
    (folder / "reading.py").write_text(READING)
    done = run(
        folder, *FITDOCTOR, "diagnose", "--budget", BUDGET_S, "--race-budget", "0", "-o", "report.json", "train.py"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((folder / "report.json").read_text())
    if report["prescription"] is None or report["prescription"]["safety"] != "exact":
        pytest.skip(f"this machine is too busy for trials: {report['verdict_text']}")
    assert report["treat"] == "fitdoctor treat train.py"
    assert "fitdoctor treat train.py" in done.stdout
    return folder


def test_a_treated_training_reaches_the_same_weights(project: Path) -> None:
    plain, treated = run(project, sys.executable, "train.py"), run(project, *FITDOCTOR, "treat", "train.py")
    assert (plain.returncode, treated.returncode) == (3, 3)
    assert treated.stdout == plain.stdout
    assert "Training with" in treated.stderr
    assert "It took" in treated.stderr
    assert "Not treated" not in treated.stderr
    newest = max((project / ".fitdoctor").glob("*-train"))
    recorded = load_run(newest / "run.json")
    assert recorded.treated is not None
    assert recorded.watched is not None
    assert (recorded.watched.treated_calls, recorded.watched.fits[0].epochs_seen) == (1, 12)
    assert (project / "train.py").read_text() == SCRIPT
    shown = run(project, *FITDOCTOR, "report")
    assert shown.returncode == 0
    assert "Treated with" in " ".join(shown.stdout.split())


def test_an_early_end_is_reported(project: Path) -> None:
    (project / "stop").touch()
    try:
        done = run(project, *FITDOCTOR, "treat", "train.py")
    finally:
        (project / "stop").unlink()
    assert done.returncode == 3
    assert "trained 3 epochs, stopped by its own rule; the promise is for 12." in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_training_and_treat_with_it(project: Path, number: signal.Signals) -> None:
    (project / "wait").touch()
    process = subprocess.Popen(
        [*FITDOCTOR, "treat", "train.py"],
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        (project / "wait").unlink()
        process.kill()
    assert process.returncode == -number
    assert "Promised" in errors
    assert ("KeyboardInterrupt" in errors) == (number == signal.SIGINT)


def test_a_script_edited_after_its_diagnosis_is_refused(project: Path) -> None:
    with (project / "reading.py").open("a") as file:
        file.write("\n# edited\n")
    try:
        done = run(project, *FITDOCTOR, "treat", "train.py")
    finally:
        (project / "reading.py").write_text(READING)
    assert (done.returncode, done.stdout) == (2, "")
    assert "reading.py, changed since" in done.stderr
