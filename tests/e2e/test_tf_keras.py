"""Trainings on tf_keras: watched without being changed, diagnosed, tried out without a trace, and treated."""

from __future__ import annotations

import gc
import inspect
import json
import os
import re
import subprocess
import sys
import threading
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fitdoctor
from fitdoctor.changes.model import Change, Place, Precompute, ScaleInput, SetArgument
from fitdoctor.probe import backends
from fitdoctor.probe.instrument import install, patch_points
from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trainer import compiled_metrics, first_layers, tf_keras_state
from fitdoctor.probe.trials.inside.inspection import inspect_model
from fitdoctor.probe.trials.race.callbacks import CallbackRules
from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run
from fitdoctor.recording.trial_protocol import ArmSpec, Verified
from tests.children import Project

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
model.fit(x, y, epochs=3, batch_size=32, validation_split=0.5, callbacks=[keras.callbacks.ModelCheckpoint("best.h5"), Pause()], verbose=0)
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


def test_a_watched_training_is_the_same(tmp_path: Path) -> None:
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
    seen = [
        (fit.input_kind, fit.steps_per_epoch, fit.steps_basis, fit.epochs_seen, fit.step.count) for fit in scout.fits
    ]
    assert seen == [
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


def test_a_diagnosis_says_where_the_time_goes(tmp_path: Path) -> None:
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
say("metrics", m, [sorted(history), bool(np.isnan(history["mape"][0])), len(m.evaluate(x, y, verbose=0, return_dict=True))])

m, rows = model(), Rows()
m.fit(rows, epochs=5, verbose=0, shuffle=False)  # @kept
say("kept", m, rows.read)

m = model()
m.fit(x, y, verbose=0)  # @missing
say("missing", m, None)
"""


def test_a_treated_training_comes_to_the_same_weights(user: Project) -> None:
    lines = {line.partition("# @")[2]: number for number, line in enumerate(TREATED.splitlines(), 1) if "# @" in line}
    user.write(train=TREATED)
    changes: dict[str, Change] = {
        "execution": set_("Model.compile", "steps_per_execution", 4),
        "eager": set_("Model.compile", "run_eagerly", False),
        "metrics": set_("Model.compile", "metrics", ["mae"]),
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


@pytest.fixture
def tf_keras(tf: Any) -> Any:
    import tf_keras

    before = list(backends._used)
    backends.use(tf_keras)
    yield tf_keras
    backends._used[:] = before


X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def made(keras: Any, **compiled: Any) -> Any:
    """A model with all that a step may change:

    weights, statistics, slots, metrics, and the state of a random generator.
    """
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inner = [layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.5, rng_type="stateful"), layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *inner])
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **compiled})
    return model


def arms_of(model: Any, x: Any, y: Any = None, **keywords: Any) -> Any:
    from fitdoctor.probe.trials.fit_arms import FitArms

    return FitArms(model, bind(type(model).fit, model, (x, y), {"verbose": 0, **keywords}), 2)


def arm(name: str, *changes: Change, unit: str = "step") -> ArmSpec:
    role = name if name in ("baseline", "placebo") else "remedy"
    data = [change.to_data() for change in changes]
    return ArmSpec(id=f"{unit}/{name}", role=role, unit=unit, remedy=name, changes=data)


def set_(call: str, argument: str, value: Any) -> SetArgument:
    return SetArgument(place=Place(file="train.py", line=1), call=call, argument=argument, value=value)


def state(model: Any) -> list[Any]:
    (generator,) = [layer._random_generator._generator for layer in model.layers if layer.name.startswith("dropout")]
    kept = [
        *model.variables,
        *model.optimizer.variables(),
        *(each for metric in model.metrics for each in metric.variables),
    ]
    return [np.asarray(variable).copy() for variable in (*kept, generator.state)]


def are_equal(some: list[Any], others: list[Any]) -> bool:
    return len(some) == len(others) and all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_trials_leave_the_training_where_it_was(tf_keras: Any) -> None:
    model = made(tf_keras, optimizer=tf_keras.optimizers.legacy.Adam(0.01))
    arms = arms_of(model, X, Y, batch_size=16, shuffle=False, validation_split=0.25)
    arms.prepare(arm("baseline"))
    before, steps = state(model), int(model.optimizer.iterations)
    changes = {
        "placebo": (),
        "executions": (set_("Model.compile", "steps_per_execution", 4),),
        "eager": (set_("Model.compile", "run_eagerly", True),),
        "metrics": (set_("Model.compile", "metrics", []),),
        "rate": (set_("Model.compile", "learning_rate", 0.5),),
    }
    for name, change in changes.items():
        arms.prepare(arm(name, *change))
        arms.windows([arm("baseline"), arm(name)])
    arms.prepare(arm("baseline", unit="validation"))
    arms.prepare(arm("larger", set_("Model.fit", "validation_batch_size", 16), unit="validation"))
    arms.windows([arm("baseline", unit="validation"), arm("larger", unit="validation")])
    found = {name: arms.verify(arm(name, *change)).weights for name, change in changes.items() if name != "rate"}
    assert (found["placebo"], found["executions"], found["metrics"]) == ("same", "same", "same")
    assert found["eager"] in ("same", "close")
    arms.training_state.restore(whole=True)
    arms.training_state.check(whole=True)
    assert are_equal(state(model), before)
    settings = model.run_eagerly, int(model.steps_per_execution), model.train_function
    assert settings == (False, 1, None)
    twin = made(tf_keras, optimizer=tf_keras.optimizers.legacy.Adam(0.01))
    batches = [(X[at : at + 16], Y[at : at + 16]) for at in (0, 16, 32)]
    for step in range(steps + 7):
        twin.train_on_batch(*batches[step % 3])
        if step >= steps:
            model.train_on_batch(*batches[step % 3])
    assert are_equal(model.get_weights(), twin.get_weights())


def test_what_is_drawn_within_functions_is_not_compared(tf_keras: Any) -> None:
    model = tf_keras.Sequential([tf_keras.Input((8,)), tf_keras.layers.Dropout(0.5), tf_keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    arms = arms_of(model, X, Y, batch_size=16)
    limits = arms.prepare(arm("baseline")).limits
    assert "Layers such as Dropout draw random numbers within TensorFlow" in " ".join(limits)
    eager = set_("Model.compile", "run_eagerly", True)
    assert arms.verify(arm("eager", eager)) == Verified(why=tf_keras_state.DRAWS_INSIDE)


class Numbers:
    """Batches by their number, and how they are asked for."""

    def __init__(self, keras: Any) -> None:
        self.asked: list[int] = []
        self.threads: set[str] = set()
        outer = self

        class Batches(keras.utils.Sequence):  # type: ignore[misc]
            def __len__(self) -> int:
                return 4

            def __getitem__(self, index: int) -> Any:
                outer.asked.append(index)
                outer.threads.add(threading.current_thread().name)
                return X[16 * index : 16 * index + 16], Y[16 * index : 16 * index + 16]

        self.data = Batches()


def enqueuers() -> int:
    return sum("_run" in thread.name for thread in threading.enumerate())


def test_the_workers_of_a_sequence_are_tried_and_end(tf_keras: Any) -> None:
    numbers = Numbers(tf_keras)
    arms = arms_of(made(tf_keras), numbers.data, shuffle=False)
    arms.prepare(arm("baseline"))
    more = set_("Model.fit", "workers", 2)
    assert arms.verify(arm("workers", more)) == Verified(batches="same")
    numbers.threads.clear()
    arms.prepare(arm("workers", more))
    arms.windows([arm("baseline"), arm("workers", more)])
    assert len(numbers.threads) > 1 <= enqueuers()
    arms.close()
    gc.collect()
    until_s = time.monotonic() + 10
    while enqueuers() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert enqueuers() == 0


def test_executions_are_tried_where_the_steps_are_counted(tf: Any, tf_keras: Any) -> None:
    def batches() -> Any:
        yield from ((X[at : at + 16], Y[at : at + 16]) for at in range(0, 64, 16))

    uncounted = tf.data.Dataset.from_generator(
        batches, output_signature=(tf.TensorSpec((16, 8)), tf.TensorSpec((16, 1)))
    )
    change = set_("Model.compile", "steps_per_execution", 2)
    with pytest.raises(ValueError, match="only where fit is told"):
        arms_of(made(tf_keras), uncounted).prepare(arm("executions", change))
    model = made(tf_keras, steps_per_execution="auto")
    with pytest.raises(ValueError, match="changes how it runs while it trains"):
        arms_of(model, X, Y).prepare(arm("baseline"))


def test_layers_are_trained_as_they_were_when_the_model_was_compiled(tf_keras: Any) -> None:
    model = made(tf_keras)
    first, last = model.layers[0], model.layers[-1]
    first.trainable = False
    model.compile("sgd", "mse")
    first.trainable, last.trainable = True, False
    before = [layer.get_weights()[0] for layer in (first, last)]
    arms_of(model, X, Y, batch_size=16).prepare(arm("baseline"))
    assert [
        np.array_equal(layer.get_weights()[0], kernel) for layer, kernel in zip((first, last), before, strict=True)
    ] == [True, False]


def test_metrics_are_left_out_from_the_first_step(tf_keras: Any) -> None:
    told: list[str] = []
    model = made(tf_keras, metrics=["mae", "mse"])
    undo = compiled_metrics.keep_once_built(model, ["mse"], told.extend)
    assert set(model.fit(X, Y, validation_split=0.25, verbose=0).history) == {"loss", "mse", "val_loss", "val_mse"}
    undo()
    model.train_function = model.test_function = None
    assert (told, set(model.fit(X, Y, verbose=0).history)) == (["mae"], {"loss", "mse", "mae"})


def test_a_look_inside_leaves_everything_as_it_was(tf_keras: Any) -> None:
    layers, dead = tf_keras.layers, tf_keras.initializers.Constant(-1e6)
    inner = [
        layers.Dense(4, activation="relu", bias_initializer=dead, name="dead"),
        layers.Dropout(0.5),
        layers.Dense(1, name="last"),
    ]
    model = tf_keras.Sequential([tf_keras.Input((8,)), layers.GaussianNoise(0.1), *inner])
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    before = [*(np.asarray(each).copy() for each in tf_keras_state.variables_of(model))], RandomState.fingerprints()
    found = inspect_model(model, bind(type(model).fit, model, (X, Y), {}), rows=32, seconds=60.0)
    assert found.missing == ""
    assert are_equal([np.asarray(each) for each in tf_keras_state.variables_of(model)], before[0])
    assert RandomState.fingerprints() == before[1]
    assert [(layer.name, layer.dead) for layer in found.layers] == [("dead", 1.0), ("last", None)]
    gradients = {each.name: each for each in found.gradients}
    assert gradients["dead/kernel:0"].gradient == 0.0
    assert gradients["last/bias:0"].gradient > 0
    assert gradients["last/kernel:0"].norm == pytest.approx(np.linalg.norm(model.get_weights()[2]), rel=1e-4)


def test_a_rule_that_stops_knows_which_way_is_better(tf_keras: Any) -> None:
    stopping = tf_keras.callbacks.EarlyStopping("val_accuracy", patience=2)
    rules = CallbackRules(
        [stopping, tf_keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0)], made(tf_keras), 9
    )
    assert rules.monitored(["loss", "accuracy"]) == ("accuracy", True)
    rules.begin(0.1)
    ends = [rules.epoch_ends(epoch, {"val_accuracy": 0.5, "val_loss": 1.0}) for epoch in range(3)]
    assert (ends, rules.notes) == ([False, False, True], [])
    assert rules.rate == pytest.approx(0.001)


def test_a_race_begins_with_the_same_state_again(tf_keras: Any) -> None:
    from fitdoctor.probe.trials.race.fit_race import FitRace

    model = made(tf_keras)
    arms = arms_of(model, X, Y, batch_size=16, validation_split=0.25)
    race = FitRace(model, arms.stepper.bound, arms.stepper.feeds, 2)
    rate = set_("Model.compile", "learning_rate", 0.01)
    scaled = ScaleInput(
        place=Place(file="train.py", line=1), call="Model.fit", argument="x", parts=("x",), together=False
    )
    racers = [arm("baseline", unit="race"), arm("rate", rate, unit="race"), arm("scaled", scaled, unit="race")]
    reply = race.prepare(racers)
    assert not any(racer.why for racer in reply.arms.values()), reply
    assert (reply.judged_on, reply.varied) == ("validation data", "weights and order")
    start = [race.start("race/baseline", repetition).score for repetition in (0, 1, 0)]
    assert start[0] == start[2] != start[1]
    assert race.start("race/scaled", 0).score != start[0]
    race.start("race/baseline", 0)
    first = race.lap("race/baseline", 6)
    race.start("race/rate", 0)
    second = race.lap("race/rate", 6)
    assert (first.steps, second.steps) == (6, 6)
    assert second.score != first.score
    assert race.start("race/baseline", 0).score == start[0]


def test_the_patch_points_are_where_they_are_expected(tf_keras: Any) -> None:
    from tf_keras.src.engine.data_adapter import DataHandler

    assert install.declined(tf_keras) == ""
    assert list(inspect.signature(DataHandler.steps).parameters) == ["self"]
    assert inspect.isgeneratorfunction(inspect.unwrap(DataHandler.steps))
    source = inspect.getsource(inspect.unwrap(tf_keras.Model.fit))
    for part in (
        "for step in data_handler.steps():",
        "callbacks.on_train_batch_begin(step)",
        "_use_cached_eval_dataset=True",
    ):
        assert part in source
    for name in patch_points.HOOKS:
        assert callable(vars(tf_keras.callbacks.CallbackList)[name])
    for name in (*patch_points.UNITS, "compile"):
        assert callable(vars(tf_keras.Model)[name])
    assert "__new__" not in vars(tf_keras.utils.Sequence)
    for module, names in {
        "saving_api": ("save_model", "save_weights", "load_model", "load_weights"),
        "saving_lib": ("save_model", "save_weights_only"),
        "legacy.hdf5_format": ("save_model_to_hdf5",),
        "legacy.saved_model.save": ("save",),
        "legacy.save": ("save_weights",),
    }.items():
        loaded = sys.modules[f"tf_keras.src.saving.{module}"]
        assert all(callable(getattr(loaded, name)) for name in names), module


def test_in_code_it_is_watched_and_the_patches_are_undone(tf_keras: Any, tmp_path: Path) -> None:
    from tf_keras.src.engine.data_adapter import DataHandler

    x, y = np.ones((64, 4), np.float32), np.ones((64, 1), np.float32)
    first, second = tf_keras.Input((4,)), tf_keras.Input((4,))
    parts = [tf_keras.layers.Dense(2)(tf_keras.layers.Flatten()(first)), tf_keras.layers.LayerNormalization()(second)]
    model = tf_keras.Model([first, second], tf_keras.layers.Dense(1)(tf_keras.layers.Concatenate()(parts)))
    model.compile("sgd", "mse", metrics=["mae"])
    before = [DataHandler.steps, tf_keras.Model.fit, tf_keras.callbacks.CallbackList.on_epoch_end]
    with fitdoctor.watch(show=False) as watched:
        model.fit([x, x], y, epochs=2, verbose=0)
    doctor = fitdoctor.Doctor(show=False)
    model.fit([x, x], y, epochs=3, verbose=0, callbacks=[doctor])
    report = doctor.report
    del doctor
    assert watched.report is not None
    assert report is not None
    assert [fit.epochs for each in (watched.report, report) for fit in each.training.fits] == [2, 3]
    assert watched.report.environment.backend == "tf_keras"
    assert [DataHandler.steps, tf_keras.Model.fit, tf_keras.callbacks.CallbackList.on_epoch_end] == before
    assert first_layers.first_layers(model, 2) == [["Dense"], ["LayerNormalization"]]
    assert [each.name for each in compiled_metrics.records(model)] == ["mae"]


def test_in_code_a_diagnosis_leaves_the_training_where_it_was(tf_keras: Any) -> None:
    def started() -> Any:
        tf_keras.utils.set_random_seed(5)
        layers = tf_keras.layers
        inner = [
            layers.Dense(8),
            layers.BatchNormalization(),
            layers.Dropout(0.5),
            layers.Dropout(0.2, seed=1),
            layers.Dense(1),
        ]
        model = tf_keras.Sequential([tf_keras.Input((8,)), *inner])
        model.compile("adam", "mse", metrics=["mae"], run_eagerly=False)
        model.fit(X, Y, epochs=1, verbose=0)
        return model

    def ended(model: Any) -> Any:
        history = model.fit(X, Y, epochs=2, batch_size=16, validation_split=0.25, verbose=0).history
        return [
            *model.get_weights(),
            *(np.asarray(each) for each in model.optimizer.variables),
            *map(np.asarray, history.values()),
        ]

    plain = ended(started())
    model = started()
    arguments = {"epochs": 20, "batch_size": 4, "validation_split": 0.25, "verbose": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        report = fitdoctor.diagnose(model, X, Y, budget_s=10, race_budget_s=0, progress=False, **arguments)
    assert report.environment.backend == "tf_keras"
    assert [each for each in report.tried if each.remedy == "placebo"], report.limits
    assert are_equal(ended(model), plain)
