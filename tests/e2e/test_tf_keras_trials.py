"""Trials on tf_keras compare weights and batches, and do not change the training."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import Place, ScaleInput
from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trainer import compiled_metrics, tf_keras_state
from fitdoctor.probe.trials.inside.inspection import inspect_model
from fitdoctor.probe.trials.race.callbacks import CallbackRules
from fitdoctor.recording.trial_protocol import Verified
from tests.support.arms import arm
from tests.support.tf_keras_models import X, Y, are_equal, arms_of, compiled_model, set_argument, state_of

pytestmark = pytest.mark.e2e


def test_trials_do_not_change_the_training(tf_keras: Any) -> None:
    model = compiled_model(tf_keras, optimizer=tf_keras.optimizers.legacy.Adam(0.01))
    arms = arms_of(model, X, Y, batch_size=16, shuffle=False, validation_split=0.25)
    arms.prepare(arm("baseline"))
    before, steps = state_of(model), int(model.optimizer.iterations)
    changes = {
        "placebo": (),
        "executions": (set_argument("Model.compile", "steps_per_execution", 4),),
        "eager": (set_argument("Model.compile", "run_eagerly", True),),
        "metrics": (set_argument("Model.compile", "metrics", []),),
        "rate": (set_argument("Model.compile", "learning_rate", 0.5),),
    }
    for name, change in changes.items():
        arms.prepare(arm(name, *change))
        arms.windows([arm("baseline"), arm(name)])
    arms.prepare(arm("baseline", unit="validation"))
    arms.prepare(arm("larger", set_argument("Model.fit", "validation_batch_size", 16), unit="validation"))
    arms.windows([arm("baseline", unit="validation"), arm("larger", unit="validation")])
    found = {name: arms.verify(arm(name, *change)).weights for name, change in changes.items() if name != "rate"}
    assert (found["placebo"], found["executions"], found["metrics"]) == ("same", "same", "same")
    assert found["eager"] in ("same", "close")
    arms.training_state.restore(whole=True)
    arms.training_state.check(whole=True)
    assert are_equal(state_of(model), before)
    settings = model.run_eagerly, int(model.steps_per_execution), model.train_function
    assert settings == (False, 1, None)
    twin = compiled_model(tf_keras, optimizer=tf_keras.optimizers.legacy.Adam(0.01))
    batches = [(X[at : at + 16], Y[at : at + 16]) for at in (0, 16, 32)]
    for step in range(steps + 7):
        twin.train_on_batch(*batches[step % 3])
        if step >= steps:
            model.train_on_batch(*batches[step % 3])
    assert are_equal(model.get_weights(), twin.get_weights())


def test_weights_are_not_compared_where_tensorflow_draws_random_numbers(tf_keras: Any) -> None:
    model = tf_keras.Sequential([tf_keras.Input((8,)), tf_keras.layers.Dropout(0.5), tf_keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    arms = arms_of(model, X, Y, batch_size=16)
    limits = arms.prepare(arm("baseline")).limits
    assert "Layers such as Dropout draw random numbers within TensorFlow" in " ".join(limits)
    eager = set_argument("Model.compile", "run_eagerly", True)
    assert arms.verify(arm("eager", eager)) == Verified(why=tf_keras_state.DRAWS_INSIDE)


class RecordingSequence:
    """A `Sequence` of batches that records which are read, and in which threads."""

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


def test_the_workers_of_a_sequence_are_changed_and_end(tf_keras: Any) -> None:
    sequence = RecordingSequence(tf_keras)
    arms = arms_of(compiled_model(tf_keras), sequence.data, shuffle=False)
    arms.prepare(arm("baseline"))
    more = set_argument("Model.fit", "workers", 2)
    assert arms.verify(arm("workers", more)) == Verified(batches="same")
    sequence.threads.clear()
    arms.prepare(arm("workers", more))
    arms.windows([arm("baseline"), arm("workers", more)])
    assert len(sequence.threads) > 1 <= enqueuers()
    arms.close()
    gc.collect()
    until_s = time.monotonic() + 10
    while enqueuers() and time.monotonic() < until_s:
        time.sleep(0.05)
    assert enqueuers() == 0


def test_steps_per_execution_are_tried_only_where_steps_are_counted(tf: Any, tf_keras: Any) -> None:
    def batches() -> Any:
        yield from ((X[at : at + 16], Y[at : at + 16]) for at in range(0, 64, 16))

    uncounted = tf.data.Dataset.from_generator(
        batches, output_signature=(tf.TensorSpec((16, 8)), tf.TensorSpec((16, 1)))
    )
    change = set_argument("Model.compile", "steps_per_execution", 2)
    with pytest.raises(ValueError, match="only if fit knows"):
        arms_of(compiled_model(tf_keras), uncounted).prepare(arm("executions", change))
    model = compiled_model(tf_keras, steps_per_execution="auto")
    with pytest.raises(ValueError, match="changes how it runs while it trains"):
        arms_of(model, X, Y).prepare(arm("baseline"))


def test_trials_train_the_layers_that_were_trainable_at_compile(tf_keras: Any) -> None:
    model = compiled_model(tf_keras)
    first, last = model.layers[0], model.layers[-1]
    first.trainable = False
    model.compile("sgd", "mse")
    first.trainable, last.trainable = True, False
    before = [layer.get_weights()[0] for layer in (first, last)]
    arms_of(model, X, Y, batch_size=16).prepare(arm("baseline"))
    assert [
        np.array_equal(layer.get_weights()[0], kernel) for layer, kernel in zip((first, last), before, strict=True)
    ] == [True, False]


def test_metrics_are_removed_from_the_first_step_on(tf_keras: Any) -> None:
    removed: list[str] = []
    model = compiled_model(tf_keras, metrics=["mae", "mse"])
    undo = compiled_metrics.keep_once_built(model, ["mse"], removed.extend)
    assert set(model.fit(X, Y, validation_split=0.25, verbose=0).history) == {"loss", "mse", "val_loss", "val_mse"}
    undo()
    model.train_function = model.test_function = None
    assert (removed, set(model.fit(X, Y, verbose=0).history)) == (["mae"], {"loss", "mse", "mae"})


def test_an_inspection_leaves_the_model_and_random_generators_unchanged(tf_keras: Any) -> None:
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


def test_early_stopping_knows_the_direction_of_its_metric(tf_keras: Any) -> None:
    stopping = tf_keras.callbacks.EarlyStopping("val_accuracy", patience=2)
    rules = CallbackRules(
        [stopping, tf_keras.callbacks.ReduceLROnPlateau("val_loss", patience=1, min_delta=0)],
        compiled_model(tf_keras),
        9,
    )
    assert rules.monitored(["loss", "accuracy"]) == ("accuracy", True)
    rules.begin(0.1)
    ends = [rules.epoch_ends(epoch, {"val_accuracy": 0.5, "val_loss": 1.0}) for epoch in range(3)]
    assert (ends, rules.notes) == ([False, False, True], [])
    assert rules.rate == pytest.approx(0.001)


def test_races_start_from_the_same_state(tf_keras: Any) -> None:
    from fitdoctor.probe.trials.race.fit_race import FitRace

    model = compiled_model(tf_keras)
    arms = arms_of(model, X, Y, batch_size=16, validation_split=0.25)
    race = FitRace(model, arms.stepper.bound, arms.stepper.feeds, 2)
    rate = set_argument("Model.compile", "learning_rate", 0.01)
    scaled = ScaleInput(
        place=Place(file="train.py", line=1), call="Model.fit", argument="x", parts=("x",), together=False
    )
    racers = [arm("baseline", unit="race"), arm("rate", rate, unit="race"), arm("scaled", scaled, unit="race")]
    reply = race.prepare(racers)
    assert all(each.step_s > 0 for each in reply.arms.values()), reply
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
