"""Trainings on JAX and PyTorch: watched without being changed, and diagnosed as far as nothing has to be tried."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run

pytestmark = pytest.mark.e2e

SCRIPT = """\
import hashlib, time
import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.rand(320, 8).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        time.sleep(0.02)
        return x[index * 32:index * 32 + 32], y[index * 32:index * 32 + 32]


model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(x, y, epochs=3, batch_size=32, validation_split=0.5, callbacks=[keras.callbacks.ModelCheckpoint("best.keras")], verbose=0)
model.fit(Batches(), epochs=2, shuffle=False, verbose=0)
print(model.predict(x[:2], verbose=0).shape)
print(hashlib.md5(b"".join(np.asarray(w).tobytes() for w in model.get_weights())).hexdigest())
"""


@pytest.fixture(params=["jax", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(folder: Path, backend: str, *command: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(SCRIPT)
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def recorded(folder: Path) -> Run:
    return load_run(max((folder / ".fitdoctor").glob("*/run.json")))


def test_a_watched_training_is_the_same(tmp_path: Path, backend: str) -> None:
    plain = run(tmp_path, backend, "train.py")
    assert plain.returncode == 0, plain.stderr[-2000:]
    (tmp_path / "best.keras").unlink()
    watched = run(tmp_path, backend, "-m", "fitdoctor", "watch", "train.py")
    assert watched.returncode == 0, watched.stderr[-2000:]
    assert watched.stdout.startswith(plain.stdout)
    assert (tmp_path / "best.keras").exists()
    scout = recorded(tmp_path).watched
    assert scout is not None
    assert scout.limits == []
    assert scout.environment["backend"] == backend
    first, second = scout.fits
    assert (first.input_kind, first.steps_per_epoch, first.epochs_seen, first.validation_steps) == ("arrays", 5, 3, 5)
    assert (first.first_step.count, first.epoch_first_step.count, first.step.count) == (1, 2, 12)
    assert (second.input_kind, second.steps_per_epoch, second.epochs_seen) == ("pydataset", 10, 2)
    assert [loop.kind for loop in scout.loops] == ["predict"]
    assert {part.name: part.spread.rows for part in first.inputs if part.spread is not None} == {"x": 320, "y": 320}
    assert [row.learning_rate for row in first.curve] == [pytest.approx(0.001)] * 3
    assert first.weights is not None
    assert first.weights.names == ["sequential/dense/kernel", "sequential/dense_1/kernel"]
    assert [reading.epoch for reading in first.weights.readings][:1] == [0]
    assert all(0 < way < size for each in first.weights.readings for way, size in zip(each.moved, each.rms, strict=False) if way and size)
    if backend == "torch":  # its loop waits for the batch itself; on JAX the train function does
        assert second.input_wait.count == second.step.count
        assert second.input_wait.total_s >= 0.02 * second.step.count
        assert second.input_wait.total_s <= second.step.total_s


def test_a_diagnosis_says_where_the_time_goes_and_that_nothing_was_tried(tmp_path: Path, backend: str) -> None:
    done = run(tmp_path, backend, "-m", "fitdoctor", "diagnose", "-q", "--budget", "60", "-o", "report.json", "train.py")
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["training"]["backend"] == backend
    assert sum(part["s"] for part in report["budget"]["parts"]) == pytest.approx(report["budget"]["total_s"])
    assert report["tried"] == []
    assert report["prescription"] is None
    assert any(limit.startswith("Nothing was tried: ") for limit in report["limits"])
    if backend == "torch":
        waiting = next(part["s"] for part in report["budget"]["parts"] if part["id"] == "input_wait")
        assert waiting >= 0.02 * 18


IN_CODE = """\
import keras, numpy as np
import fitdoctor
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
fitdoctor.diagnose(model, np.zeros((8, 2)), np.zeros((8, 1)), progress=False)
"""


def test_in_code_another_backend_is_refused(tmp_path: Path, backend: str) -> None:
    done = run(tmp_path, backend, "-c", IN_CODE)
    assert done.returncode == 1
    assert f"FitdoctorError: Received Keras on {backend}, expected tensorflow" in done.stderr
