"""Trainings on tf_keras in a process of their own: watched, diagnosed and treated."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from fitdoctor.changes.model import Change, Place, Precompute, SetArgument
from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run
from tests.support.projects import Project
from tests.support.tf_keras_models import set_argument

pytestmark = pytest.mark.e2e

SCRIPT = """\
import hashlib, os, time
import numpy as np
import tensorflow as tf
keras = tf.keras  # with TF_USE_LEGACY_KERAS
keras.utils.set_random_seed(0)
x = np.random.rand(320, 8).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Batches(keras.utils.Sequence):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return x[index * 32:index * 32 + 32], y[index * 32:index * 32 + 32]


class Pause(keras.callbacks.Callback):
    def on_batch_end(self, batch, logs=None):
        time.sleep(0.001)


class Custom(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
        self.optimizer.apply_gradients(zip(tape.gradient(loss, self.trainable_variables), self.trainable_variables))
        return {"loss": loss}


def batches():
    for index in range(0, 320, 32):
        yield x[index:index + 32], y[index:index + 32]


model = keras.Sequential([keras.Input((8,)), keras.layers.Dropout(0.2), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
callbacks = [keras.callbacks.ModelCheckpoint("best.h5"), Pause()]
model.fit(x, y, epochs=3, batch_size=32, validation_split=0.5, callbacks=callbacks, verbose=0)
model.fit(Batches(), epochs=2, shuffle=False, verbose=0)
model.fit(batches(), verbose=0)
model.compile(keras.optimizers.legacy.SGD(0.01), "mse", steps_per_execution=4)
model.fit(tf.data.Dataset.from_tensor_slices((x, y)).batch(32), epochs=2, verbose=0)
custom = Custom()
custom.compile("sgd", steps_per_execution=3)
endless = tf.data.Dataset.from_tensor_slices((x, y)).batch(32).repeat()
custom.fit(endless, steps_per_epoch=int(os.environ["STEPS"]), epochs=3, verbose=2)
model.save_weights("weights")
model.load_weights("weights")
print(model.predict(x[:2], verbose=0).shape, int(model._steps_per_execution), int(custom._steps_per_execution))
print(hashlib.md5(b"".join(np.asarray(w).tobytes() for w in model.get_weights() + custom.get_weights())).hexdigest())
"""
FILES = {"best.h5", "checkpoint", "weights.index", "weights.data-00000-of-00001"}


def run(folder: Path, *command: str, steps: int = 5) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(SCRIPT)
    environment = {**os.environ, "TF_USE_LEGACY_KERAS": "1", "STEPS": str(steps)}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def recorded(folder: Path) -> Run:
    return load_run(max((folder / ".fitdoctor").glob("*/run.json")))


def without_times(printed: str) -> str:
    return re.sub(r"\d+[mu]?s\b", "", printed)


def test_a_watched_training_prints_the_same_and_is_recorded(tmp_path: Path) -> None:
    plain = run(tmp_path, "train.py")
    assert plain.returncode == 0, plain.stderr[-2000:]
    for name in FILES:
        (tmp_path / name).unlink()
    watched = run(tmp_path, "-m", "fitdoctor", "watch", "train.py")
    assert watched.returncode == 0, watched.stderr[-2000:]
    assert without_times(watched.stdout) == without_times(plain.stdout)
    assert {path.name for path in tmp_path.iterdir()} >= FILES
    assert "tf_keras 2." in watched.stderr
    scout = recorded(tmp_path).watched
    assert scout is not None
    assert scout.limits == []
    assert scout.environment["backend"] == "tf_keras"
    arrays, sequence, generator, pipeline, custom = scout.fits
    recorded_fits = [
        (fit.input_kind, fit.steps_per_epoch, fit.steps_basis, fit.epochs_seen, fit.step.count) for fit in scout.fits
    ]
    assert recorded_fits == [
        ("arrays", 5, "declared", 3, 12), ("pydataset", 10, "declared", 2, 18), ("generator", 10, "counted", 1, 9),
        ("tf.data", 10, "declared", 2, 4), ("tf.data", 5, "declared", 3, 3),
    ]  # fmt: skip
    assert (arrays.validation_steps, arrays.epoch_first_step.count, arrays.validation_step.count) == (5, 2, 14)
    hooks = {
        callback.name: callback.hooks["on_epoch_end" if callback.name != "Pause" else "on_train_batch_end"]
        for callback in arrays.callbacks[:2]
    }
    assert (hooks["ModelCheckpoint"].count, hooks["Pause"].count) == (3, 15)
    assert hooks["Pause"].total_s >= 0.015
    assert (arrays.callbacks[0].saves.count, arrays.callbacks[0].saved_bytes > 0) == (3, True)
    assert [metric.name for metric in arrays.metrics] == ["mae"]
    assert sequence.operations[0].arguments == {"workers": 1, "use_multiprocessing": False, "max_queue_size": 10}
    assert (pipeline.steps_per_execution, [row.learning_rate for row in pipeline.curve]) == (
        4,
        pytest.approx([0.01, 0.01]),
    )
    assert (generator.optimizer, pipeline.optimizer, custom.optimizer) == ("Adam", "SGD", "SGD")
    assert sum(scout.parts.values()) == pytest.approx(scout.wall_s)
    assert [loop.kind for loop in scout.loops] == ["predict"]


def test_a_diagnosis_attributes_the_time(tmp_path: Path) -> None:
    done = run(
        tmp_path, "-m", "fitdoctor", "diagnose", "-q", "--budget", "24", "-o", "report.json", "train.py", steps=100_001
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert not {path.name for path in tmp_path.iterdir()} & FILES
    assert "tf_keras 2." in done.stdout
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["training"]["backend"] == "tf_keras"
    assert sum(part["s"] for part in report["budget"]["parts"]) == pytest.approx(report["budget"]["total_s"])
    assert not [limit for limit in report["limits"] if "tf_keras" in limit]
    assert not [each for each in report["tried"] if "Error" in each.get("note", "")]
    scout = recorded(tmp_path).scout
    assert scout is not None
    assert scout.ending.how == "finished"
    *_, pipeline, custom = scout.fits
    assert (custom.cut, custom.epochs_seen, custom.steps_per_epoch) == (True, 2, 100_001)
    assert [fit["epochs"] for fit in report["training"]["fits"]] == [3, 2, 1, 2, 3]
    assert [known.layers for known in pipeline.inputs if known.name == "x"] == [["Dense"]]


TREATED = """\
import hashlib, json
import tf_keras as keras
import numpy as np

keras.utils.set_random_seed(1)
x = np.random.rand(256, 4).astype("float32")
y = x.sum(axis=1, keepdims=True)


def model(**settings):
    made = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(1)])
    made.compile(keras.optimizers.SGD(0.01), "mse", **settings)
    return made


def say(name, made, seen):
    weights = hashlib.md5(b"".join(w.tobytes() for w in made.get_weights())).hexdigest()
    print(json.dumps({"name": name, "weights": weights, "seen": seen}), flush=True)


class Look(keras.callbacks.Callback):
    def __init__(self, look):
        super().__init__()
        self.look = look

    def on_train_batch_end(self, batch, logs=None):
        self.seen = self.look(self.model)


class Rows(keras.utils.Sequence):
    read = 0

    def __len__(self):
        return 8

    def __getitem__(self, index):
        self.read += 1
        return x[index * 32 : index * 32 + 32], y[index * 32 : index * 32 + 32]


m, look = model(), Look(lambda model: int(model.steps_per_execution))
m.fit(x, y, epochs=2, verbose=0, callbacks=[look])  # @execution
say("execution", m, [look.seen, int(m.steps_per_execution)])

m, look = model(run_eagerly=True), Look(lambda model: model.run_eagerly)
m.fit(x, y, verbose=0, callbacks=[look])  # @eager
say("eager", m, [look.seen, m.run_eagerly])

m = model(metrics=["mae", "mape"])
history = m.fit(x, y, verbose=0, validation_data=(x, y)).history  # @metrics
evaluated = m.evaluate(x, y, verbose=0, return_dict=True)
say("metrics", m, [sorted(history), bool(np.isnan(history["mape"][0])), len(evaluated)])

m, rows = model(), Rows()
m.fit(rows, epochs=5, verbose=0, shuffle=False)  # @kept
say("kept", m, rows.read)

m = model()
m.fit(x, y, verbose=0)  # @missing
say("missing", m, None)
"""


def test_a_treated_training_reaches_the_same_weights(user: Project) -> None:
    lines = {line.partition("# @")[2]: number for number, line in enumerate(TREATED.splitlines(), 1) if "# @" in line}
    user.write(train=TREATED)
    changes: dict[str, Change] = {
        "execution": set_argument("Model.compile", "steps_per_execution", 4),
        "eager": set_argument("Model.compile", "run_eagerly", False),
        "metrics": set_argument("Model.compile", "metrics", ["mae"]),
        "kept": Precompute(place=Place(file="train.py", line=1), call="Model.fit", argument="x"),
        "missing": SetArgument(
            place=Place(file="train.py", line=1), call="TensorBoard", argument="update_freq", value="epoch", index=4
        ),
    }
    file = str(user.folder / "train.py")
    treatments = [
        {"kind": "fit", "file": file, "line": lines[name], "changes": [change.to_data()]}
        for name, change in changes.items()
    ]
    plain = user.python("train.py")
    environment = {"backend": "tf_keras", "keras": version("tf-keras")}
    treated = user.launch("train.py", role="treat", treatments=treatments, environment=environment)
    assert (plain.returncode, treated.returncode) == (0, 0), treated.stderr[-2000:]
    ours, theirs = (
        {each["name"]: each for each in map(json.loads, done.stdout.splitlines())} for done in (treated, plain)
    )
    assert {name: each["weights"] for name, each in ours.items()} == {
        name: each["weights"] for name, each in theirs.items()
    }
    seen = {name: each["seen"] for name, each in ours.items()}
    names = sorted(["loss", "mae", "mape", "val_loss", "val_mae", "val_mape"])
    assert seen == {
        "execution": [4, 1], "eager": [False, True], "metrics": [names, True, 3], "kept": seen["kept"],
        "missing": None,
    }  # fmt: skip
    assert seen["kept"] < theirs["kept"]["seen"]
    assert user.record().treated_calls == len(changes)
    assert "Some changes were left out" in treated.stderr
