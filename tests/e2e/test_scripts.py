"""Watched scripts print, return and leave on disk what they do alone.

One script holds many shapes, because the start of Keras takes most of the time.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from fitdoctor.recording.model import ProcessRecord
from tests.support.projects import Project

pytestmark = pytest.mark.e2e

SHAPES = '''\
"""Arguments, settings that must come first, another working directory, and many ways to train."""

import argparse
import os
import queue
import sys
import threading

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)
tf.config.threading.set_inter_op_parallelism_threads(1)
os.makedirs("outputs/today", exist_ok=True)
os.chdir("outputs/today")

import keras
import numpy as np

keras.utils.set_random_seed(7)
x = np.random.default_rng(0).normal(size=(203, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)


class Gan(keras.Model):
    """Two optimizers, no loss in compile, metrics of its own."""

    def __init__(self):
        super().__init__()
        self.generator = keras.Sequential([keras.Input((2,)), keras.layers.Dense(4)])
        self.critic = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        self.tracked = keras.metrics.Mean("critic_loss")

    @property
    def metrics(self):
        return [self.tracked]

    def compile(self, first, second):
        super().compile()
        self.first, self.second = first, second

    def train_step(self, real):
        noise = tf.zeros((tf.shape(real)[0], 2))
        for network, optimizer, sign in ((self.critic, self.first, 1.0), (self.generator, self.second, -1.0)):
            with tf.GradientTape() as tape:
                loss = sign * tf.reduce_mean(self.critic(self.generator(noise)) - self.critic(real))
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self.tracked.update_state(loss)
        return {"critic_loss": self.tracked.result()}


class Net(keras.Model):
    """Dict inputs and two outputs."""

    def __init__(self):
        super().__init__()
        self.price, self.kind = keras.layers.Dense(1), keras.layers.Dense(2)

    def call(self, inputs):
        both = tf.concat([inputs["age"], inputs["words"]], axis=-1)
        return {"price": self.price(both), "kind": self.kind(both)}


def dense():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def threaded():
    batches = queue.Queue(4)

    def fill():
        while True:
            batches.put((x[:32], y[:32], np.ones(32, "float32")))

    threading.Thread(target=fill, daemon=True).start()
    while True:
        yield batches.get()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, required=True)
    parser.add_argument("--budget")
    options = parser.parse_args()
    print("Größe →", options, flush=True)

    for fold in range(3):
        model = dense()
        weights = np.ones(len(x[fold::3]))
        history = model.fit(x[fold::3], y[fold::3], epochs=options.epochs, verbose=0, sample_weight=weights)
        print("fold", fold, len(history.history["loss"]), float(model.evaluate(x, y, verbose=0)).hex())

    gan = Gan()
    gan.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01))
    history = gan.fit(tf.data.Dataset.from_tensor_slices(x).batch(32), epochs=2, verbose=0)
    print("gan", {name: [value.hex() for value in values] for name, values in history.history.items()})

    net = Net()
    net.compile("adam", {"price": "mse", "kind": "mse"})
    targets = {"price": y, "kind": np.concatenate([y, y], axis=1)}
    net.fit({"age": x[:, :1], "words": x[:, 1:]}, targets, batch_size=50, epochs=2, verbose=0)
    print("net", sorted(net.predict({"age": x[:3, :1], "words": x[:3, 1:]}, verbose=0)))

    model = dense()
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True)
    slower = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1)
    log = keras.callbacks.CSVLogger("log.csv")
    backup = keras.callbacks.BackupAndRestore("backup", delete_checkpoint=False)
    history = model.fit(
        threaded(), steps_per_epoch=5, epochs=4, verbose=0,
        validation_data=(x, y), callbacks=[stop, slower, log, backup],
    )
    model.save("last.keras")
    again = keras.models.load_model("last.keras")
    print("saved", np.array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0)))
    start = int(open("epoch.txt").read()) if os.path.exists("epoch.txt") else 0
    print("resumed at", start, os.path.basename(os.getcwd()))
    sys.exit(3)


if __name__ == "__main__":
    main()
'''

RELATIVE = """\
import multiprocessing
import sys

from . import data
from .data import rows


def square(number):
    return number * number


def main():
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(square, range(3)), __name__, __package__, rows(), data.__name__, sys.argv[1:])


if __name__ == "__main__":
    main()
"""

EPOCHS = ("--epochs", "3", "--budget", "9")


def files(project: Project) -> set[str]:
    return {str(path.relative_to(project.folder)) for path in project.folder.rglob("*") if path.is_file()}


def check_ending(record: ProcessRecord) -> None:
    assert (record.ending.how, record.ending.code) == ("exit", 3)
    assert record.limits == []


def test_a_watched_script_behaves_as_it_does_alone(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "watched").mkdir()
    plain, watched = Project(tmp_path / "plain"), Project(tmp_path / "watched")
    for project in (plain, watched):
        project.write(train=SHAPES)
    wanted = plain.python("train.py", *EPOCHS)
    assert wanted.returncode == 3, wanted.stderr
    got = watched.launch("train.py", *EPOCHS, role="watch")
    assert (got.returncode, got.stdout) == (3, wanted.stdout)
    assert "fitdoctor" not in got.stderr
    assert files(watched) == files(plain)
    record = watched.record()
    check_ending(record)
    assert [(fit.calls, fit.input_kind) for fit in record.fits] == [
        (3, "arrays"),
        (1, "tf.data"),
        (1, "arrays"),
        (1, "generator"),
    ]


def test_a_scouted_script_runs_to_its_end_and_saves_nothing(user: Project) -> None:
    user.write(train=SHAPES)
    got = user.launch("train.py", *EPOCHS)
    assert got.returncode == 3, got.stderr
    assert "Traceback" not in got.stderr
    assert "saved True" in got.stdout
    assert "resumed at 0 today" in got.stdout
    assert files(user) == {"train.py"}
    record = user.record()
    check_ending(record)
    assert [fit.calls for fit in record.fits] == [3, 1, 1, 1]
    assert [fit.steps_per_epoch for fit in record.fits] == [3, 7, 5, 5]


@pytest.mark.parametrize("role", ["scout", "watch"])
def test_a_package_with_relative_imports_and_worker_processes_behaves_as_it_does_alone(
    user: Project, role: str
) -> None:
    (user.folder / "pkg").mkdir()
    (user.folder / "pkg" / "__init__.py").touch()
    (user.folder / "pkg" / "data.py").write_text("def rows():\n    return 3\n", encoding="utf-8")
    (user.folder / "pkg" / "train.py").write_text(RELATIVE, encoding="utf-8")
    wanted = user.python("pkg.train", "--x", mode="module")
    got = user.launch("pkg.train", "--x", mode="module", role=role)
    assert (got.returncode, got.stdout, got.stderr) == (wanted.returncode, wanted.stdout, wanted.stderr)
    assert "[0, 1, 4] __main__ pkg 3 pkg.data ['--x']" in got.stdout
