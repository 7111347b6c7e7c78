"""Arms that change the host's work: metrics, logs, saving, debugging aids and workers of a `PyDataset`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import Place, RemoveCall, SetArgument, ThrottleHook
from tests.support.arms import arm

pytestmark = pytest.mark.e2e

ROWS = 96
X = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(np.float32)[:, None]
HERE = Place(file="train.py", line=1)
CHECKS = "tf.debugging.enable_check_numerics"


@pytest.fixture
def model(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    made = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(1, activation="sigmoid")]
    )
    made.compile(
        optimizer="adam",
        loss="binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(num_thresholds=50, name="auc")],
    )
    return made


@pytest.fixture
def fit(model: Any) -> Callable[..., Any]:
    def arms(x: Any = X, y: Any = Y, **keywords: Any) -> Any:
        from fitdoctor.probe.observe.binding import bind
        from fitdoctor.probe.trials.fit_arms import FitArms

        bound = bind(type(model).fit, model, (x, y), {"verbose": 0, **keywords})
        return FitArms(model, bound, 2)

    return arms


@pytest.fixture
def checked(tf: Any) -> Iterator[None]:
    tf.debugging.enable_check_numerics()
    yield
    tf.debugging.disable_check_numerics()


def argument(call: str, name: str, value: Any, index: int = -1) -> SetArgument:
    return SetArgument(place=HERE, call=call, argument=name, value=value, index=index)


def test_metrics_are_removed_in_one_arm_and_restored(model: Any, fit: Callable[..., Any]) -> None:
    from fitdoctor.probe.trainer import compiled_metrics

    arms, fewer = fit(), arm("fewer", argument("Model.compile", "metrics", ["accuracy"]))
    baseline = arm("baseline")
    arms.prepare(baseline)
    assert [(metric.name, metric.state_size) for metric in compiled_metrics.records(model)] == [
        ("accuracy", 2),
        ("auc", 200),
    ]
    variables = len(model.variables), len(model.metrics_variables)
    assert arms.verify(fewer).weights == "same"
    arms.prepare(fewer)
    for each in (fewer, baseline, fewer):
        arms.window(each)
    assert set(arms._runners["step/fewer"].logs) == {"loss", "accuracy"}
    assert set(arms._runners["step/baseline"].logs) == {"loss", "accuracy", "auc"}
    assert compiled_metrics.names(model) == ("accuracy", "auc")
    assert (len(model.variables), len(model.metrics_variables)) == variables


def test_numeric_checks_are_off_in_one_arm_only(checked: None, fit: Callable[..., Any]) -> None:
    from fitdoctor.probe.trainer import debug_switches

    arms, off = fit(), arm("off", RemoveCall(place=HERE, call=CHECKS))
    arms.prepare(arm("baseline"))
    assert arms.verify(off).weights == "same"
    arms.prepare(off)
    arms.window(off)
    assert debug_switches.is_on(CHECKS)
    assert arms._runners["step/off"].function is not arms._runners["step/baseline"].function


def test_tensorboard_writes_less_often_in_one_arm_only(keras: Any, tmp_path: Path, fit: Callable[..., Any]) -> None:
    board = keras.callbacks.TensorBoard(str(tmp_path), update_freq="batch")
    arms, quiet = fit(callbacks=[board]), arm("quiet", argument("TensorBoard", "update_freq", "epoch", index=0))
    for each in (arm("baseline"), quiet):
        arms.prepare(each)
    for _ in range(2):
        arms.window(quiet)
        arms.window(arm("baseline"))
    assert board.update_freq == 1


def test_the_profiler_is_off_in_one_arm_only(keras: Any, tmp_path: Path, fit: Callable[..., Any]) -> None:
    board = keras.callbacks.TensorBoard(str(tmp_path), profile_batch=(1, 1_000_000))
    arms, off = fit(callbacks=[board]), arm("off", argument("TensorBoard", "profile_batch", 0, index=0))
    for each in (arm("baseline"), off):
        arms.prepare(each)
    arms.window(off)
    arms.window(arm("baseline"))
    assert board._profiler_started
    board._stop_profiler(save=False)


def test_the_progress_bar_is_quiet_in_one_arm_only(fit: Callable[..., Any]) -> None:
    arms, quiet = fit(verbose=1), arm("quiet", argument("Model.fit", "verbose", 2))
    for each in (arm("baseline"), quiet):
        arms.prepare(each)
    arms.window(quiet)
    assert arms.stepper.callbacks._progbar.verbose == 1


def test_checkpoints_become_rarer_or_smaller(keras: Any, tmp_path: Path, fit: Callable[..., Any]) -> None:
    from fitdoctor.probe.instrument import saving

    patches = saving.install(keras)
    try:
        arms = fit(callbacks=[keras.callbacks.ModelCheckpoint(str(tmp_path / "model.keras"))])
        rarer = arm(
            "rarer",
            ThrottleHook(place=HERE, call="ModelCheckpoint", hook="on_epoch_end", every=5, index=0),
            unit="epoch_end",
        )
        weights = arm("weights", argument("ModelCheckpoint", "save_weights_only", True, index=0), unit="epoch_end")
        for each in (arm("baseline"), arm("baseline", unit="epoch_end"), rarer, weights):
            arms.prepare(each)
        before = saving.totals.count
        assert arms.window(rarer).units == 5
        assert saving.totals.count == before + 1
        arms.window(weights)
        assert (tmp_path / "model.weights.h5").exists()
        assert saving.totals.last_bytes > 0
    finally:
        patches.undo()


@pytest.mark.parametrize("short", [False, True])
def test_a_throttled_hook_runs_in_its_share_of_the_timed_steps(
    keras: Any, fit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, short: bool
) -> None:
    from fitdoctor.probe.trials.units import step as module

    class Counting(keras.callbacks.Callback):  # type: ignore[misc]
        runs = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.runs += 1

    every, windows, run, callback = 50, 20, module.timed, Counting()
    timed: list[tuple[int, int]] = []

    def counted(steps: Any, units: int) -> Any:
        before = callback.runs
        found = run(steps, units)
        timed.append((callback.runs - before, units))
        return found

    if short:
        monkeypatch.setattr(module, "LONGEST_PERIOD_S", 0.0)
        monkeypatch.setattr(module, "WINDOW_S", 0.0)
    monkeypatch.setattr(module, "timed", counted)
    arms = fit(callbacks=[callback])
    rarer = arm("rarer", ThrottleHook(place=HERE, call="Counting", hook="on_train_batch_end", every=every, index=0))
    for each in (arm("baseline"), rarer):
        arms.prepare(each)
    for _ in range(windows):
        arms.window(rarer)
    assert arms._runners[rarer.id].lead > 0
    assert (timed[0][1] < every) == short
    assert all(runs * every == units for runs, units in timed) or short
    assert abs(sum(runs for runs, _ in timed) - sum(units for _, units in timed) / every) < 1


def test_batches_are_compared_with_the_changed_workers(keras: Any, fit: Callable[..., Any]) -> None:
    class Shared(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return 12

        def __getitem__(self, index: int) -> Any:
            return X[index * 8 : index * 8 + 8] * self.workers, Y[index * 8 : index * 8 + 8]

    found = fit(Shared(), None, shuffle=False).verify(arm("more", argument("PyDataset", "workers", 3)))
    assert found.batches == "different"


@pytest.mark.parametrize("count", [1, 3])
def test_workers_keep_the_order_of_batches(keras: Any, fit: Callable[..., Any], count: int) -> None:
    class Batches(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return 12

        def __getitem__(self, index: int) -> Any:
            return X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]

    own = Batches(workers=2)
    arms, other = fit(own, None, shuffle=False), arm("other", argument("PyDataset", "workers", count))
    arms.prepare(arm("baseline"))
    assert arms.verify(other).batches == "same"
    arms.prepare(other)
    for _ in range(2):
        arms.window(other)
        arms.window(arm("baseline"))
    assert own.workers == 2
    fed = [
        x for x, _ in arms.stepper.feeds.endless([argument("PyDataset", "workers", count)]).take(24).as_numpy_iterator()
    ]
    assert np.array_equal(np.concatenate(fed), np.concatenate([X, X]))


def test_python_in_a_step_is_timed(tf: Any, keras: Any, model: Any) -> None:
    import sys

    from fitdoctor.probe.instrument import python_ops

    def loss(y_true: Any, y_pred: Any) -> Any:
        weight = tf.numpy_function(np.abs, [y_true], tf.float32)
        return tf.reduce_mean(tf.reshape(weight, tf.shape(y_pred)) * (y_true - y_pred) ** 2)

    found: list[Any] = []
    patches = python_ops.install(sys.modules["tensorflow.python.ops.script_ops"], found.append)
    try:
        model.compile(optimizer="adam", loss=loss)
        model.fit(X, Y, batch_size=32, epochs=2, verbose=0)
    finally:
        patches.undo()
    # TensorFlow first traces a function that may create variables, and never runs it.
    assert [(operation.kind, operation.runs.count) for operation in found if operation.runs.count] == [
        ("numpy_function", 6)
    ]
