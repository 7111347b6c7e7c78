"""Races of one fit, in the process of the tests: their input, their start, and what they leave unchanged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import Change, Place, ScaleInput, SetArgument
from fitdoctor.recording.trial_protocol import ArmSpec, RacePrepared

pytestmark = pytest.mark.e2e

PLACE = Place(file="train.py", line=1)
RNG = np.random.default_rng(0)
SMALL = RNG.uniform(0, 1, (600, 3)).astype("float32")
X = SMALL * np.array([1, 100, 10_000], dtype="float32")
Y = (SMALL[:, :1] > 0.5).astype("float32")
SCALED = ScaleInput(place=PLACE, call="Model.fit", argument="x", parts=["x"])

Race = Callable[..., Any]


def network(keras: Any) -> Any:
    layers = [
        keras.Input((3,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(1),
    ]
    model = keras.Sequential(layers)
    model.compile(optimizer="adam", loss="mse")
    return model


@pytest.fixture
def race(keras: Any) -> Race:
    """Makes the race of `model.fit(…)`."""

    def begin(x: Any = X, y: Any = Y, *, model: Any = None, **keywords: Any) -> Any:
        from fitdoctor.probe.observe.binding import bind
        from fitdoctor.probe.trials.fit_arms import FitArms
        from fitdoctor.probe.trials.race.fit_race import FitRace

        model = model or network(keras)
        arms = FitArms(model, bind(type(model).fit, model, (x, y), {"verbose": 0, **keywords}), 2)
        made = FitRace(model, arms.stepper.bound, arms.stepper.feeds, 2)
        made.model = model
        return made

    return begin


def arm(name: str, *changes: Change) -> ArmSpec:
    return ArmSpec(id=name, changes=[change.to_data() for change in changes])


def prepared(race: Any, **arms: tuple[Change, ...]) -> RacePrepared:
    reply: RacePrepared = race.prepare([arm("base"), *(arm(name, *changes) for name, changes in arms.items())])
    return reply


def test_a_scaled_input_is_judged_on_the_same_data(race: Race) -> None:
    here = race(validation_split=0.2)
    reply = prepared(here, scaled=(SCALED,))
    assert (reply.judged_on, reply.rows, reply.varied) == ("validation data", 120, "weights and order")
    scores = {}
    for name in ("base", "scaled"):
        began = here.start(name, 1).score
        reached = [here.lap(name, 40).score for _ in range(4)]
        scores[name] = (began, reached[-1])
    assert scores["scaled"][0] < scores["base"][0] / 100
    assert scores["scaled"][1] < 0.3
    assert "call" not in vars(here.model)


def test_only_runs_of_the_same_repetition_start_equal(race: Race) -> None:
    here = race(validation_split=0.2)
    prepared(here)
    first = here.start("base", 1).score
    here.lap("base", 20)
    assert here.start("base", 1).score == pytest.approx(first)
    assert here.start("base", 2).score != pytest.approx(first)


def test_a_race_of_a_trained_model_starts_from_its_weights(race: Race, keras: Any) -> None:
    model = network(keras)
    model.fit(X, Y, epochs=2, verbose=0)
    here = race(model=model, validation_split=0.2)
    reply = prepared(here)
    assert reply.varied == "order"
    first = here.start("base", 1).score
    here.lap("base", 20)
    assert here.start("base", 2).score == pytest.approx(first)


def test_rows_are_held_out_without_validation_data(race: Race) -> None:
    here = race()
    reply = prepared(here)
    assert (reply.judged_on, reply.rows) == ("held-out rows", 120)
    assert here._bound["x"].shape == (480, 3)
    held = {tuple(row) for row in here._score_data[0]}
    assert held.isdisjoint({tuple(row) for row in here._bound["x"]})


def test_the_learning_rate_of_one_racer_does_not_change_the_model(race: Race, tf: Any) -> None:
    here = race(validation_split=0.2, batch_size=8)
    larger = SetArgument(place=PLACE, call="Model.fit", argument="batch_size", value=64)
    rate = SetArgument(place=PLACE, call="Model.compile", argument="learning_rate", value=0.01)
    reply = prepared(here, larger=(larger, rate))
    assert reply.arms["larger"].step_s > 0
    here.start("larger", 1)
    here.lap("larger", 5)
    assert float(here.model.optimizer.learning_rate) == pytest.approx(1e-3)
    (batch,) = here._feed(64).dataset([]).take(1)
    assert batch[0].shape == (64, 3)


def test_pipelines_are_raced_with_changed_stages(race: Race, tf: Any) -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y))
    train, validation = data.take(480).shuffle(480).batch(8), data.skip(480).batch(8)
    here = race(train, None, validation_data=validation)
    larger = SetArgument(
        place=Place(file="train.py", line=1, position=3), call="batch", argument="batch_size", value=64
    )
    reply = prepared(here, scaled=(SCALED,), larger=(larger,))
    assert all(racer.step_s > 0 for racer in reply.arms.values())
    assert reply.rows == 120
    here.start("scaled", 1)
    assert math.isfinite(here.lap("scaled", 10).score)


def test_an_unbuilt_model_is_built(race: Race, keras: Any) -> None:
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    reply = prepared(race(SMALL, model=model))
    assert reply.arms["base"].step_s > 0


def batches(count: int = 1_000_000) -> Any:
    for number in range(count):
        at = 32 * number % 512
        yield SMALL[at : at + 32], Y[at : at + 32]


def test_a_generator_without_validation_data_is_refused(race: Race) -> None:
    with pytest.raises(ValueError, match="generator, and there is no validation data"):
        prepared(race(batches(), None, steps_per_epoch=10))


def test_racers_share_one_generator(race: Race) -> None:
    here = race(batches(), None, steps_per_epoch=10, validation_data=(SMALL, Y))
    reply = prepared(
        here, faster=(SetArgument(place=PLACE, call="Model.compile", argument="learning_rate", value=0.01),)
    )
    assert "can be read only once" in reply.notes[0]
    for name in ("base", "faster"):
        began = here.start(name, 1).score
        assert here.lap(name, 60).score < began


def test_a_generator_that_ends_is_an_error(race: Race) -> None:
    here = race(batches(40), None, steps_per_epoch=10, validation_data=(SMALL, Y))
    with pytest.raises(ValueError, match="came to its end"):
        prepared(here)


def test_a_racer_that_fails_does_not_end_the_others(race: Race, tf: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    here = race(validation_split=0.2, batch_size=8)
    settled_s = here._measured_step_s

    def settle(racer: Any) -> float:
        if racer.changes:
            raise tf.errors.ResourceExhaustedError(None, None, "no room")
        return float(settled_s(racer))

    monkeypatch.setattr(here, "_measured_step_s", settle)
    reply = prepared(here, larger=(SetArgument(place=PLACE, call="Model.fit", argument="batch_size", value=64),))
    assert reply.arms["larger"].why.startswith("ResourceExhaustedError: no room")
    assert reply.arms["base"].step_s > 0
    assert list(here._racers) == ["base"]


def test_scores_are_not_computed_on_batches_of_a_generator(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    here = race(batches(), None, steps_per_epoch=10, validation_data=(SMALL, Y))
    feeds, asked = here._feed(None), []
    made = feeds.dataset
    monkeypatch.setattr(
        feeds, "dataset", lambda *changes, **settings: asked.append(settings) or made(*changes, **settings)
    )
    prepared(here)
    assert [settings for settings in asked if settings.get("shuffle") is False] == []


class Stop:
    """Makes a callback that ends a fit after so many epochs."""

    @staticmethod
    def after(keras: Any, epochs: int) -> Any:
        class After(keras.callbacks.Callback):  # type: ignore[misc]
            def __init__(self) -> None:
                super().__init__()
                self.limit = epochs

            def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
                if epoch + 1 >= self.limit:
                    self.model.stop_training = True

        return After()


def executing(keras: Any, at_once: int) -> Any:
    model = network(keras)
    model.compile(optimizer="adam", loss="mse", steps_per_execution=at_once)
    return model


@pytest.mark.parametrize(
    ("at_once", "epoch", "asked", "taken"),
    [(32, 3, 6, 6), (32, 3, 30, 15), (4, 10, 8, 8), (4, 10, 12, 14), (1, 3, 5, 5)],
)
def test_epochs_end_with_several_steps_per_execution(
    race: Race, keras: Any, at_once: int, epoch: int, asked: int, taken: int
) -> None:
    here = race(model=executing(keras, at_once), validation_split=0.2, callbacks=[Stop.after(keras, 5)], epochs=20)
    here.prepare([replace(arm("base"), epoch_steps=epoch)])
    here.start("base", 1)
    before = int(here.model.optimizer.iterations)
    reply = here.lap("base", asked)
    assert reply.steps == int(here.model.optimizer.iterations) - before == taken
    assert (here._progress.epoch, reply.stopped) == (taken // epoch, taken // epoch >= 5)
    assert here.model.steps_per_execution == at_once


def test_a_lap_reports_its_number_of_steps(race: Race, keras: Any) -> None:
    here = race(model=executing(keras, 4), validation_split=0.2)
    prepared(here)
    here.start("base", 1)
    assert [here.lap("base", 6).steps, int(here.model.optimizer.iterations)] == [8, 8]


def test_an_integer_input_is_not_scaled(race: Race, keras: Any) -> None:
    inputs = keras.Input((3,), dtype="uint8")
    outputs = keras.layers.Dense(1)(keras.layers.Rescaling(1.0)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "mse")
    reply = prepared(race(X.astype("uint8"), model=model), scaled=(SCALED,))
    assert "uint8" in reply.arms["scaled"].why
