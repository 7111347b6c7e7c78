"""`fitdoctor.diagnose`, `Doctor` and `watch` in the tests' own process:

what they say, and that they leave everything as it was.
"""

from __future__ import annotations

import copy
import gc
import itertools
import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fitdoctor
from fitdoctor.errors import FitdoctorError

pytestmark = pytest.mark.e2e

X = np.random.default_rng(0).normal(size=(2048, 8)).astype(np.float32)
Y = X.sum(1, keepdims=True)
BRIEF: dict[str, Any] = {"progress": False, "budget_s": 6.0, "race_budget_s": 0.0}
"""Long enough to look."""
TRIED: dict[str, Any] = {"progress": False, "budget_s": 25.0, "race_budget_s": 4.0}
"""Long enough to try something, and to race."""

Make = Callable[..., Any]


@pytest.fixture
def make(keras: Any) -> Make:
    def model(*, built: bool = True, **compiled: Any) -> Any:
        keras.utils.set_random_seed(7)
        hidden = [
            keras.layers.Dense(8, activation="relu"),
            keras.layers.Dropout(0.2),
            keras.layers.BatchNormalization(),
        ]
        layers = [*hidden, keras.layers.Dense(1)]
        made = keras.Sequential([keras.Input((8,)), *layers] if built else layers)
        made.compile(optimizer="adam", loss="mse", metrics=["mae"], **compiled)
        return made

    return model


@pytest.fixture(autouse=True)
def untouched(keras: Any, tf: Any) -> Any:
    """Every seam is out again behind each test."""
    import keras.src.saving.saving_api as saving
    from keras.src.backend.tensorflow.trainer import TFEpochIterator
    from keras.src.callbacks.callback_list import CallbackList

    owners = (
        keras.Model.__mro__[1],
        CallbackList,
        TFEpochIterator,
        tf.data.Dataset,
        saving,
        keras.callbacks.TensorBoard,
        tf.config,
    )
    before = [dict(vars(owner)) for owner in owners]
    yield
    gc.collect()  # a Doctor's patches go with it
    for owner, attributes in zip(owners, before, strict=True):
        changed = {name for name, value in vars(owner).items() if attributes.get(name) is not value}
        assert changed <= {"__annotations__"}, owner  # Python makes them when it is asked for them


def continued(model: Any, *data: Any, **arguments: Any) -> tuple[list[Any], Any, float, float]:
    """What a training makes of a model, and what the random generators give afterwards."""
    history = model.fit(*data, epochs=2, verbose=0, **arguments).history
    return [weight.tobytes() for weight in model.get_weights()], history, random.random(), float(np.random.random())


class TestDiagnose:
    def test_a_training_goes_on_as_if_nothing_had_been(self, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
        plain = continued(make(), X, Y, validation_split=0.25)
        model = make()
        report = fitdoctor.diagnose(model, X, Y, epochs=40, validation_split=0.25, **TRIED)
        assert not model.optimizer.built
        assert model.train_function is None
        assert not hasattr(model, "history")
        assert continued(model, X, Y, validation_split=0.25) == plain
        assert report.training.fits[0].steps_per_epoch == 48
        assert report.training.fits[0].site.file == Path(__file__).name
        assert "input-free" in {tried.remedy for tried in report.tried}
        assert not [limit for limit in report.limits if "another than before" in limit]
        assert capsys.readouterr().out == ""

    def test_a_trained_model_keeps_its_functions(self, make: Make) -> None:
        model = make()
        model.fit(X, Y, verbose=0)
        function, history, weights = model.train_function, model.history, model.get_weights()
        fitdoctor.diagnose(model, X, Y, epochs=40, **BRIEF)
        assert model.train_function is function
        assert model.history is history
        assert all(np.array_equal(one, other) for one, other in zip(weights, model.get_weights(), strict=True))
        assert int(model.optimizer.iterations) == 64

    def test_a_model_that_was_not_built_is_built_and_not_trained(self, make: Make) -> None:
        plain = continued(make(built=False), X, Y)
        model = make(built=False)
        report = fitdoctor.diagnose(model, X, Y, epochs=40, **BRIEF)
        assert any("not built yet" in limit for limit in report.limits)
        assert continued(model, X, Y)[:2] == plain[:2]

    def test_callbacks_get_their_state_back_and_write_nothing(self, keras: Any, make: Make, tmp_path: Path) -> None:
        class Own(keras.callbacks.Callback):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.losses: list[float] = []
                self.best = {"loss": np.full(3, np.inf)}

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                self.losses.append(logs["loss"])
                self.best["loss"][:] = logs["loss"]
                self.model.optimizer.learning_rate = 0.5
                self.model.predict(X[:4], verbose=0)

        own, stopping = Own(), keras.callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True)
        callbacks = [
            own,
            stopping,
            keras.callbacks.ModelCheckpoint(str(tmp_path / "best.keras")),
            keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
            keras.callbacks.BackupAndRestore(str(tmp_path / "backup")),
        ]
        before = [dict(vars(callback)) for callback in callbacks]
        model = make()
        fitdoctor.diagnose(model, X, Y, epochs=20, callbacks=callbacks, **TRIED)
        assert [dict(vars(callback)) for callback in callbacks] == before
        assert own.losses == []
        assert np.all(np.isinf(own.best["loss"]))
        assert stopping.best_weights is None
        assert float(model.optimizer.learning_rate) == pytest.approx(0.001)
        assert list(tmp_path.iterdir()) == []

    def test_a_dataset_of_the_users_keeps_its_order(self, keras: Any, make: Make) -> None:
        class Data(keras.utils.PyDataset):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__(workers=2)
                self.order, self.random = np.arange(64), np.random.default_rng(5)

            def __len__(self) -> int:
                return 64

            def __getitem__(self, index: int) -> Any:
                rows = slice(32 * self.order[index], 32 * self.order[index] + 32)
                return X[rows], Y[rows]

            def on_epoch_end(self) -> None:
                self.random.shuffle(self.order)

        data, threads = Data(), set(threading.enumerate())
        fitdoctor.diagnose(make(), data, epochs=20, **BRIEF)
        assert {
            thread.name for thread in set(threading.enumerate()) - threads if not thread.name.startswith("Dummy")
        } == set()
        assert data.order.tolist() == list(range(64))
        assert data.random.random() == np.random.default_rng(5).random()

    def test_a_pipeline_that_was_not_seen_has_no_remedies(self, tf: Any, make: Make) -> None:
        from fitdoctor.probe.inputs import tfdata_recipes

        dataset = tf.data.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (2 * x, y)).batch(32)
        delattr(dataset, tfdata_recipes.ATTRIBUTE)
        report = fitdoctor.diagnose(make(), dataset, epochs=20, **BRIEF)
        assert any("with fitdoctor.watch():" in limit for limit in report.limits)

    def test_errors_of_fit_come_through(self, keras: Any, make: Make) -> None:
        with pytest.raises(TypeError, match="epocs"):
            fitdoctor.diagnose(make(), X, Y, epocs=3, **BRIEF)
        with pytest.raises(ValueError, match="compile"):
            fitdoctor.diagnose(keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)]), X, Y, **BRIEF)
        model = make()
        with pytest.raises(ValueError, match="shape"):
            fitdoctor.diagnose(model, X[:, :3], Y, **BRIEF)
        assert not model.optimizer.built
        assert model.train_function is None

    def test_what_can_not_be_diagnosed_is_said(self, make: Make) -> None:
        batches = ((X[:8], Y[:8]) for _ in itertools.count())
        with pytest.raises(FitdoctorError, match=r"only once.*Expected arrays"):
            fitdoctor.diagnose(make(), batches, steps_per_epoch=5, **BRIEF)
        assert next(batches)[0].shape == (8, 8)
        with pytest.raises(FitdoctorError, match="validation_data"):
            fitdoctor.diagnose(make(), X, Y, validation_data=iter([(X, Y)]), **BRIEF)
        with pytest.raises(FitdoctorError, match="expected a Keras model"):
            fitdoctor.diagnose("model", X, Y, **BRIEF)
        with pytest.raises(FitdoctorError, match="above 0"):
            fitdoctor.diagnose(make(), X, Y, budget_s=0)
        with pytest.raises(FitdoctorError, match="did no step"):
            fitdoctor.diagnose(make(), X, Y, epochs=0, **BRIEF)


class TestDoctor:
    def test_it_reports_and_changes_nothing(self, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
        plain = continued(make(), X, Y)
        doctor = fitdoctor.Doctor()
        assert continued(make(), X, Y, callbacks=[doctor]) == plain
        captured = capsys.readouterr()
        assert doctor.report is not None
        assert doctor.report.training.fits[0].epochs == 2
        assert doctor.report.system is not None
        assert doctor.report.system.fits[0] is not None
        assert "Where the time goes" in captured.err
        assert captured.out == ""

    def test_other_fits_are_not_its_business(self, make: Make) -> None:
        doctor = fitdoctor.Doctor(show=False)
        continued(make(), X, Y)
        assert doctor.report is None

    def test_an_error_of_the_training_stays_one(self, keras: Any, make: Make) -> None:
        def fail(epoch: int, logs: Any) -> None:
            raise RuntimeError("mine")

        doctor = fitdoctor.Doctor(show=False)
        with pytest.raises(RuntimeError, match="mine"):
            continued(make(), X, Y, callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=fail), doctor])
        assert doctor.report is not None

    def test_a_copy_observes_by_itself(self, make: Make) -> None:
        original = fitdoctor.Doctor(show=False)
        other = copy.deepcopy(original)
        del original
        gc.collect()
        continued(make(), X, Y, callbacks=[other])
        assert other.report is not None

    def test_it_looks_away_while_trials_run(self, make: Make) -> None:
        doctor = fitdoctor.Doctor()
        fitdoctor.diagnose(make(), X, Y, epochs=20, callbacks=[doctor], **BRIEF)
        assert doctor.report is None


class TestWatch:
    def test_a_block_is_observed_and_its_pipelines_can_be_tried(
        self, tf: Any, make: Make, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with fitdoctor.watch() as watched:
            assert watched.report is None
            dataset = tf.data.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (2 * x, y)).batch(32)
            model = make()
            model.fit(dataset, epochs=2, verbose=0)
            for row in range(20):
                model.predict(X[row : row + 1], verbose=0)
        assert watched.report is not None
        assert watched.report.stage == "watched"
        assert [loop.calls for loop in watched.report.training.loops] == [20]
        assert "Where the time goes" in capsys.readouterr().err
        report = fitdoctor.diagnose(make(), dataset, epochs=20, **BRIEF)
        assert not any("fitdoctor.watch" in limit for limit in report.limits)

    def test_an_error_in_the_block_stays_one(self, make: Make) -> None:
        def train_and_fail() -> None:
            with watched:
                make().fit(X, Y, verbose=0)
                raise RuntimeError("mine")

        watched = fitdoctor.watch(show=False)
        with pytest.raises(RuntimeError, match="mine"):
            train_and_fail()
        assert watched.report is not None

    def test_a_doctor_inside_sees_its_own_fit(self, make: Make) -> None:
        doctor = fitdoctor.Doctor(show=False)
        with fitdoctor.watch(show=False) as watched:
            continued(make(), X, Y, callbacks=[doctor])
        del doctor
        gc.collect()
        assert watched.report is not None

    def test_a_doctor_that_was_made_too_late_says_so(self, make: Make, capsys: pytest.CaptureFixture[str]) -> None:
        make().fit(X, Y, epochs=1, verbose=0, callbacks=[fitdoctor.Doctor(show=False)])
        assert "made within the call of fit" in capsys.readouterr().err
