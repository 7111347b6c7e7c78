"""Trainings on JAX and PyTorch: watched, diagnosed, and tried from one state."""

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

waits = []
if keras.config.backend() == "jax":
    import jax

    wait = jax.block_until_ready
    jax.block_until_ready = lambda value: waits.append(value) or wait(value)
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
checkpoint = keras.callbacks.ModelCheckpoint("best.keras")
model.fit(x, y, epochs=3, batch_size=32, validation_split=0.5, callbacks=[checkpoint], verbose=0)
listed = keras.callbacks.CallbackList([], add_history=True, model=model)
model.fit(Batches(), epochs=2, shuffle=False, verbose=0, callbacks=listed)
print("asynchronous", listed._async_train, listed._async_test, len(waits))
print(model.predict(x[:2], verbose=0).shape)
print(hashlib.md5(b"".join(np.asarray(w).tobytes() for w in model.get_weights())).hexdigest())
"""


@pytest.fixture(params=["jax", "torch"])
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run(folder: Path, backend: str, *command: str) -> subprocess.CompletedProcess[str]:
    (folder / "train.py").write_text(SCRIPT)
    environment = {**os.environ, "KERAS_BACKEND": backend}
    return subprocess.run(
        [sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def recorded(folder: Path) -> Run:
    return load_run(max((folder / ".fitdoctor").glob("*/run.json")))


def test_a_watched_training_prints_the_same_and_is_recorded(tmp_path: Path, backend: str) -> None:
    plain = run(tmp_path, backend, "train.py")
    assert plain.returncode == 0, plain.stderr[-2000:]
    (tmp_path / "best.keras").unlink()
    watched = run(tmp_path, backend, "-m", "fitdoctor", "watch", "train.py")
    assert watched.returncode == 0, watched.stderr[-2000:]
    assert watched.stdout.startswith(plain.stdout)
    assert "asynchronous True True 0" in watched.stdout
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
    assert all(
        0 < way < size
        for each in first.weights.readings
        for way, size in zip(each.moved, each.rms, strict=False)
        if way and size
    )
    if backend == "torch":  # its loop waits for the batch itself; on JAX the train function does
        assert second.input_wait.count == second.step.count
        assert second.input_wait.total_s >= 0.02 * second.step.count
        assert second.input_wait.total_s <= second.step.total_s


SHORT_STEPS = """\
import hashlib
import keras
import numpy as np

keras.utils.set_random_seed(0)
x = np.random.rand(3000, 4).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Counts(keras.callbacks.Callback):
    async_safe = True
    steps = 0

    def on_train_batch_end(self, batch, logs=None):
        self.steps += 1


def batches(count):
    for number in range(count):
        at = number % 700 * 4
        yield x[at:at + 4], y[at:at + 4]


model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("adam", "mse")
counts = Counts()
print(model.fit(x, y, batch_size=4, epochs=4, validation_split=0.1, verbose=0, callbacks=[counts]).history)
print(model.fit(batches(900), verbose=0).history)
print(model.fit(batches(1000), steps_per_epoch=500, epochs=2, verbose=0).history)
print(counts.steps, hashlib.md5(b"".join(np.asarray(w).tobytes() for w in model.get_weights())).hexdigest())
"""


def test_thousands_of_short_steps_are_the_same_and_all_counted(tmp_path: Path, backend: str) -> None:
    """Enough of them that most are skipped, and that on JAX the hooks are bypassed."""
    plain = run(tmp_path, backend, "-c", SHORT_STEPS)
    assert plain.returncode == 0, plain.stderr[-2000:]
    watched = run(tmp_path, backend, "-m", "fitdoctor", "watch", "-c", SHORT_STEPS)
    assert watched.stdout == plain.stdout
    scout = recorded(tmp_path).watched
    assert scout is not None
    assert scout.limits == []
    counted = [(fit.first_step.count, fit.epoch_first_step.count, fit.step.count) for fit in scout.fits]
    assert counted == [(1, 3, 2696), (1, 0, 899), (1, 1, 998)]
    assert [fit.function.count for fit in scout.fits] == [fit.step.count for fit in scout.fits]
    assert all(fit.input_wait.count <= fit.step.count for fit in scout.fits)
    assert scout.fits[0].callbacks[0].own
    # Where two threads enter the hook at the same time, one is counted.
    assert 2600 < scout.fits[0].callbacks[0].beside["on_train_batch_end"].count <= 2700


SLOW_INPUT = """\
import time
import keras
import numpy as np


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 10

    def __getitem__(self, index):
        time.sleep(0.02)
        return np.full((32, 8), index, "float32"), np.zeros((32, 1), "float32")


model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
model.compile("adam", "mse")
model.fit(Batches(), epochs=40, shuffle=False, verbose=0)
"""


def test_a_diagnosis_measures_a_fix(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW_INPUT)
    options = ("-q", "--budget", "60", "--race-budget", "0", "-o", "report.json")
    done = run(tmp_path, "torch", "-m", "fitdoctor", "diagnose", *options, "slow.py")
    assert done.returncode == 0, done.stderr[-2000:]
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["training"]["backend"] == "torch"
    parts = {part["id"]: part["s"] for part in report["budget"]["parts"]}
    assert sum(parts.values()) == pytest.approx(report["budget"]["total_s"])
    assert parts["input_wait"] >= 0.02 * 400
    tried = [remedy for cause in report["causes"] for remedy in cause["remedies"] if remedy["status"] == "measured"]
    assert "precomputed-input" in {remedy["id"] for remedy in tried}, report["limits"]


ARMS = """\
import inspect
import keras, numpy as np
from fitdoctor.probe.trials.fit_arms import FitArms
from fitdoctor.probe.trials.race.fit_race import FitRace
from fitdoctor.recording.trial_protocol import ArmSpec

keras.utils.set_random_seed(0)
layers = [keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
model = keras.Sequential(layers)
model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
x, y = np.random.rand(70, 4).astype("float32"), np.random.rand(70, 2).astype("float32")
names = inspect.signature(type(model).fit).parameters
bound = {name: parameter.default for name, parameter in names.items()}
bound |= {"x": x, "y": y, "batch_size": 16, "verbose": 0, "epochs": 9}
arms = FitArms(model, bound, 2)
race = FitRace(model, arms.stepper.bound, arms.stepper.feeds, 2)


def arm(name, changes=(), role="remedy", unit="step"):
    parts = ["start", "epoch_end"]
    return ArmSpec(id=name, role=role, unit=unit, remedy=name, changes=list(changes), epoch_steps=5, parts=parts)


place = {"file": "", "line": 0, "position": -1}
setting = {"kind": "set-argument", "place": place, "call": "Model.compile", "index": -1}
faster = {**setting, "argument": "learning_rate", "value": 0.02}
fewer = {**setting, "argument": "metrics", "value": []}
units = [arm("baseline", role="baseline"), arm("placebo", role="placebo"), arm("input-free", role="ceiling"),
         arm("faster", [faster]), arm("fewer", [fewer]),
         arm("epoch", unit="epoch"), arm("end", unit="epoch_end"), arm("whole", unit="whole")]
for each in units:
    arms.prepare(each)
for _ in range(2):
    arms.windows(units)  # raises where the state is not restored
arms.training_state.restore(whole=True)
arms.training_state.check(whole=True)
batches = arms.stepper.feeds.fixed()._batches
parts = [part for batch in batches for part in keras.tree.flatten(batch) if part is not None]
print("shapes", {tuple(part.shape) for part in parts} == {(16, 4), (16, 2)})
print("weights", *(arms.verify(each).weights for each in units if each.id in ("placebo", "fewer")))
metric = race.prepare([arm("baseline"), arm("faster", [faster])]).metric
scores = [race.start("baseline", 1).score, race.lap("baseline", 40).score]
again = [race.start("baseline", 1).score, race.lap("baseline", 40).score]
other = [race.start("faster", 1).score, race.lap("faster", 40).score]
print("race", metric, scores[1] < scores[0], scores[0] == again[0] == other[0], scores[1] != other[1])
"""


def test_arms_and_races_start_from_the_same_state(tmp_path: Path, backend: str) -> None:
    done = run(tmp_path, backend, "-c", ARMS)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == ["shapes True", "weights same same", "race loss True True True"]


UNBUILT = """\
import inspect
import keras, numpy as np
from fitdoctor.probe.trials.fit_arms import FitArms
from fitdoctor.recording.trial_protocol import ArmSpec


class Model(keras.Model):
    def __init__(self):
        super().__init__()
        self.layers_of_its_own = [keras.layers.Dense(4), keras.layers.Dense(2)]

    def call(self, x):
        for layer in self.layers_of_its_own:
            x = layer(x)
        return x


x, y = np.random.rand(70, 4).astype("float32"), np.random.rand(70, 2).astype("float32")
built = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
for model, eagerly in ((Model(), False), (Model(), True), (built, False)):
    model.compile("adam", "mse", metrics=["mae"], run_eagerly=eagerly)
    names = inspect.signature(keras.Model.fit).parameters
    bound = {name: parameter.default for name, parameter in names.items()}
    bound |= {"x": x, "y": y, "batch_size": 16, "verbose": 0}
    arms = FitArms(model, bound, 2)
    units = [ArmSpec(id=role, role=role, unit="step", remedy=role) for role in ("baseline", "placebo")]
    for each in units:
        arms.prepare(each)
    arms.windows(units)
    print(model.built, model.optimizer.built, arms.verify(units[1]).weights)
"""


def test_trials_build_a_model_that_is_not_built(tmp_path: Path, backend: str) -> None:
    done = run(tmp_path, backend, "-c", UNBUILT)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines() == ["True True same"] * 3


IN_CODE = """\
import keras, numpy as np
import fitdoctor
keras.utils.set_random_seed(0)
x, y = np.random.rand(64, 4).astype("float32"), np.random.rand(64, 1).astype("float32")
def made():
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dropout(0.5), keras.layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(x, y, epochs=1, verbose=0)
    return model
plain, diagnosed = made(), made()
report = fitdoctor.diagnose(diagnosed, x, y, epochs=400, progress=False, budget_s=12.0, race_budget_s=0.0)
keras.utils.set_random_seed(2)
plain.fit(x, y, epochs=2, verbose=0)
keras.utils.set_random_seed(2)
diagnosed.fit(x, y, epochs=2, verbose=0)
watched, doctored = made(), made()
for model in (watched, doctored):
    keras.utils.set_random_seed(2)
    if model is watched:
        with fitdoctor.watch():
            model.fit(x, y, epochs=2, verbose=0)
    else:
        doctor = fitdoctor.Doctor()
        model.fit(x, y, epochs=2, verbose=0, callbacks=[doctor])
same = [np.array_equal(a, b) for other in (watched, doctored, diagnosed)
        for a, b in zip(plain.get_weights(), other.get_weights())]
print(report.training.backend, bool(report.tried or report.causes or report.ceilings),
      len(same) == 3 * len(plain.get_weights()) and all(same))
"""


def test_in_code_a_training_continues_unchanged(tmp_path: Path, backend: str) -> None:
    done = run(tmp_path, backend, "-c", IN_CODE)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.splitlines()[-1] == f"{backend} True True"
    assert done.stderr.count("Where the time goes") == 2
    assert "failure of fitdoctor" not in done.stderr
