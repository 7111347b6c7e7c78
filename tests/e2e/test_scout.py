"""The scout runs one script of many fits: it cuts them short, records them and changes no file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from fitdoctor.recording.model import CallSiteRecord, Fit, ProcessRecord
from tests.support.projects import Project

pytestmark = pytest.mark.e2e

SCRIPT = """\
import keras
import numpy as np
import os
import sys
import tensorflow as tf
import time

keras.utils.set_random_seed(0)
x = np.random.rand(200, 8).astype("float32")
y = x.sum(axis=1, keepdims=True)


def build():
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class Watcher(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        for row in x[:40]:
            self.model.predict(row[None], verbose=0)  # predict in a callback


class Refit(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        self.began_s = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        build().fit(x, y, verbose=0)  # fit in a callback

    def on_train_end(self, logs=None):
        print("after the last batch:", time.perf_counter() - self.began_s, file=sys.stderr, flush=True)


long = build()
history = long.fit(  # the long one
    x,
    y,
    epochs=10_000,
    validation_split=0.2,
    callbacks=[Watcher()],
    verbose=0,
)
assert len(history.history["loss"]) == len(history.epoch) == 10_000, len(history.epoch)
assert history.epoch[-1] == 9_999
long.save("model.keras")
assert np.array_equal(keras.models.load_model("model.keras").get_weights()[0], long.get_weights()[0])
print("saved over", flush=True)

for fold in range(10):
    model = build()
    result = model.fit(x, y, epochs=3, verbose=0)  # one of ten
    assert len(result.history["loss"]) == 3

endless = tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(20)
again = build().fit(endless, epochs=5, initial_epoch=2, steps_per_epoch=100_000, verbose=0)  # never to its end
assert again.epoch == [2, 3, 4], again.epoch

stopper = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=1e9)
build().fit(x, y, epochs=500, callbacks=[stopper], verbose=0)  # stops by its own rule

def rows():
    for row, label in zip(x, y):
        yield row[None], label[None]

unknown = tf.data.Dataset.from_generator(
    rows, output_signature=(tf.TensorSpec((1, 8), tf.float32), tf.TensorSpec((1, 1), tf.float32)))
build().fit(unknown, epochs=2, verbose=0)  # of unknown length
build().fit(x, y, epochs=1, callbacks=[Refit()], verbose=0)  # a fit in a fit

total = 0.0
for row in x[:30]:
    total += float(long.predict(row[None], verbose=0)[0, 0])  # predict in a loop
print("predicted", abs(total) > 0, flush=True)
long.evaluate(x, y, verbose=0)  # evaluated once
print("end", flush=True)
"""
BEFORE = b"what was there before"


@pytest.fixture(scope="module")
def user(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("scouted"))
    project.write(train=SCRIPT)
    (project.folder / "model.keras").write_bytes(BEFORE)
    return project


@pytest.fixture(scope="module")
def done(user: Project) -> subprocess.CompletedProcess[str]:
    return user.launch("train.py", timeout_s=300)


@pytest.fixture(scope="module")
def scout(user: Project, done: subprocess.CompletedProcess[str]) -> ProcessRecord:
    return user.record()


def line_of(comment: str) -> int:
    (number,) = (number for number, line in enumerate(SCRIPT.splitlines(), 1) if line.endswith(f"# {comment}"))
    return number


def fit_at(scout: ProcessRecord, comment: str) -> Fit:
    (fit,) = (fit for fit in scout.fits if fit.site.line == line_of(comment))
    return fit


def loop_at(scout: ProcessRecord, comment: str) -> CallSiteRecord:
    (loop,) = (loop for loop in scout.loops if loop.site.line == line_of(comment))
    return loop


def test_the_script_runs_to_its_end(done: subprocess.CompletedProcess[str], scout: ProcessRecord) -> None:
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines() == ["saved over", "predicted True", "end"]
    assert scout.ending.how == "finished"


def test_a_half_trained_model_replaces_nothing(user: Project, scout: ProcessRecord) -> None:
    assert (user.folder / "model.keras").read_bytes() == BEFORE
    assert scout.redirected == [str(user.folder / "model.keras")]
    assert {path.name for path in user.folder.iterdir()} <= {"train.py", "model.keras", "__pycache__"}


def test_the_parts_of_the_run_add_up(scout: ProcessRecord) -> None:
    assert scout.wall_s == pytest.approx(sum(scout.parts.values()))
    assert {"start", "imports", "script", "fit", "loops", "shutdown"} <= set(scout.parts)
    assert all(seconds >= 0 for seconds in scout.parts.values())


def test_the_parts_of_the_fits_add_up(scout: ProcessRecord) -> None:
    kinds = (
        "setup",
        "first_step",
        "step",
        "validation_first_step",
        "validation_step",
        "validation_overhead",
        "epoch_boundary",
    )
    seconds = sum(getattr(fit, kind).total_s for fit in scout.fits for kind in (*kinds, "teardown"))
    hooks = sum(
        hook.total_s
        for fit in scout.fits
        for each in fit.callbacks
        for name, hook in each.hooks.items()
        if "batch" not in name
    )
    assert 0.9 * scout.parts["fit"] <= seconds + hooks <= 1.01 * scout.parts["fit"]


def test_a_long_fit_is_cut_and_its_plan_recorded(scout: ProcessRecord) -> None:
    fit = fit_at(scout, "the long one")
    assert (fit.epochs, fit.steps_per_epoch, fit.steps_basis, fit.batch_size) == (10_000, 5, "declared", 32)
    assert fit.cut
    assert fit.stopped_at is None
    assert 2 <= fit.epochs_seen < 10_000
    assert (fit.validation, fit.validation_steps) == ("split", 2)
    assert fit.site.arguments["epochs"] == fit.site.line + 3
    assert fit.compile_site is not None
    assert fit.compile_site.code == 'model.compile("sgd", "mse")'
    watcher = next(each for each in fit.callbacks if each.name == "Watcher")
    assert (watcher.own, watcher.may_stop, watcher.steers) == (True, False, False)
    assert watcher.hooks["on_epoch_end"].count == fit.epochs_seen


def test_ten_fits_of_one_place_are_one_record(scout: ProcessRecord) -> None:
    fit = fit_at(scout, "one of ten")
    assert (fit.calls, fit.epochs, fit.steps_per_epoch) == (10, 3, 7)
    assert fit.first_step.count == fit.calls_run
    assert fit.step.count + fit.epoch_first_step.count == fit.epochs_seen * 7 - fit.calls_run


def test_an_endless_epoch_is_cut(scout: ProcessRecord) -> None:
    fit = fit_at(scout, "never to its end")
    assert (fit.epochs, fit.initial_epoch, fit.steps_per_epoch) == (5, 2, 100_000)
    assert fit.cut
    assert 3 < fit.step.count < 100_000
    assert [operation.name for operation in fit.operations] == ["from_tensor_slices", "repeat", "batch"]


def test_a_fit_with_early_stopping_runs_until_it_stops(scout: ProcessRecord) -> None:
    fit = fit_at(scout, "stops by its own rule")
    assert (fit.epochs, fit.stopped_at, fit.cut) == (500, 3, False)


def test_an_unknown_number_of_steps_is_counted(scout: ProcessRecord) -> None:
    fit = fit_at(scout, "of unknown length")
    assert (fit.steps_per_epoch, fit.steps_basis) == (200, "counted")
    assert fit.operations[0].python


def test_a_fit_in_a_callback_is_not_charged_to_the_callback(
    scout: ProcessRecord, done: subprocess.CompletedProcess[str]
) -> None:
    outer, inner = fit_at(scout, "a fit in a fit"), fit_at(scout, "fit in a callback")
    assert (outer.calls, inner.calls) == (1, 1)
    hook = next(each for each in outer.callbacks if each.name == "Refit").hooks["on_epoch_end"]
    inside_s = inner.setup.total_s + inner.first_step.total_s + inner.step.total_s
    (around_s,) = (
        float(line.rpartition(" ")[2]) for line in done.stderr.splitlines() if line.startswith("after the last batch:")
    )
    # Both lie between the last batch and the end of the outer fit, so their sum fits in only if none counts twice.
    assert hook.total_s + inside_s < around_s


def test_predictions_are_recorded_by_call_site(scout: ProcessRecord) -> None:
    inside = loop_at(scout, "predict in a callback")
    assert scout.fits[inside.inside].site.line == line_of("the long one")
    assert (inside.kind, inside.hook, inside.rows) == ("predict", "on_epoch_end", 1)
    assert inside.calls == 40 * scout.fits[inside.inside].epochs_seen
    outside = loop_at(scout, "predict in a loop")
    assert (outside.inside, outside.hook, outside.calls) == (-1, "", 30)
    assert outside.run.count + outside.substituted.count == 30
    assert loop_at(scout, "evaluated once").kind == "evaluate"


def test_versions_and_cores_are_recorded(scout: ProcessRecord) -> None:
    assert scout.environment["backend"] == "tensorflow"
    assert scout.environment["keras"][0] == "3"
    assert scout.environment["cores"] >= 1


def test_saved_files_go_to_the_scratch_folder(user: Project, done: subprocess.CompletedProcess[str]) -> None:
    saved = Path(f"{user.ours}/scratch{user.folder}/model.keras")
    assert saved.stat().st_size > len(BEFORE)
