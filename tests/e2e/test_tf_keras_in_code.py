"""`watch`, `Doctor` and `diagnose` on tf_keras, and the patch points that they need."""

from __future__ import annotations

import inspect
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fitdoctor
from fitdoctor.probe.instrument import install, patch_points
from fitdoctor.probe.trainer import compiled_metrics, first_layers
from tests.support.tf_keras_models import X, Y, are_equal

pytestmark = pytest.mark.e2e


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


def test_in_code_a_diagnosis_does_not_change_the_training(tf_keras: Any) -> None:
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
