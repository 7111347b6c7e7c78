"""Trials restore the state of the training, and detect a state that changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fitdoctor.recording.trial_protocol import ArmSpec
from tests.support.clocks import FakeClock

pytestmark = pytest.mark.e2e


@pytest.fixture
def model(keras: Any) -> Any:
    keras.utils.set_random_seed(3)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(8),
        keras.layers.BatchNormalization(),
        keras.layers.Dropout(0.3, seed=1),
    ]
    made = keras.Sequential([*layers, keras.layers.Dense(1)])
    made.compile(optimizer="adam", loss="mse", metrics=["mae"])
    draw = np.random.default_rng(0)
    made.fit(draw.normal(size=(64, 4)), draw.normal(size=(64, 1)), verbose=0)
    return made


def trained(model: Any) -> list[Any]:
    draw = np.random.default_rng(5)
    model.fit(draw.normal(size=(96, 4)), draw.normal(size=(96, 1)), verbose=0)
    return [np.asarray(weight).copy() for weight in model.weights]


def test_steps_after_a_restore_are_the_same_again(model: Any) -> None:
    from fitdoctor.probe.trials.equivalence.training_state import TrainingState

    model.train_function = None
    state = TrainingState(model, [])
    first = trained(model)
    state.restore(whole=True)
    again = trained(model)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))


def test_settings_that_a_callback_changed_are_restored(model: Any) -> None:
    from fitdoctor.probe.trials.equivalence.training_state import TrainingState

    state = TrainingState(model, [])
    model.layers[0].trainable = False
    model.stop_training = True
    model.run_eagerly = True
    model.optimizer.learning_rate = 1.0
    np.random.random()
    state.restore(whole=True)
    state.check(whole=True)
    assert model.layers[0].trainable
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


@pytest.mark.parametrize("what", ["the weights", "the optimizer", "trainable flags"])
def test_an_error_names_the_state_that_changed(keras: Any, model: Any, what: str) -> None:
    from fitdoctor.probe.trials.equivalence.errors import StateChangedError
    from fitdoctor.probe.trials.equivalence.training_state import TrainingState

    state = TrainingState(model, [])
    if what == "the weights":
        model.layers[0].kernel.assign_add(np.ones((4, 8)))
    elif what == "the optimizer":
        model.optimizer = keras.optimizers.SGD()
    else:
        model.layers[0].trainable = False
    with pytest.raises(StateChangedError, match=what):
        state.check(whole=True)


def test_counters_continue_within_a_unit_and_are_restored_between_units(model: Any) -> None:
    from fitdoctor.probe.trials.equivalence.training_state import TrainingState

    state = TrainingState(model, [])
    before = int(model.optimizer.iterations)
    trained(model)
    after = int(model.optimizer.iterations)
    state.restore(whole=False)
    assert int(model.optimizer.iterations) == after > before
    state.restore(whole=True)
    assert int(model.optimizer.iterations) == before


@pytest.mark.parametrize("kind", ["batch_norm", "in_groups"])
def test_arms_do_not_change_later_steps(tf: Any, kind: str) -> None:
    from bench.fidelity.kinds import KINDS, measure

    found = measure(KINDS[kind], steps=4, rounds=1)
    assert found["plain_agree"]
    assert found["same"]


class Calls:
    """A model whose `predict` has a given result."""

    def __init__(self, **results: Any) -> None:
        self.results, self.made = results, [0, 0]

    def predict_on_batch(self, x: Any) -> Any:
        self.made[1] += 1
        return self.results["ours"](x)


def call_arms() -> Any:
    from fitdoctor.probe.trials.units.calls import CallArms

    place = {"file": "train.py", "line": 1, "position": -1}
    change = {"kind": "replace-call", "place": place, "call": "predict", "replacement": "predict_on_batch"}
    arms = [ArmSpec(id=f"call/{role}", role=role, unit="call") for role in ("baseline", "placebo")]
    arms.append(ArmSpec(id="call/other", unit="call", remedy="other", changes=[change]))
    return CallArms("predict", arms, seconds=60.0, rounds=3)


def test_a_substitute_with_other_results_is_never_used(tf: Any) -> None:
    arms, model, given = call_arms(), Calls(ours=lambda x: x + 1), {"x": np.zeros(3)}
    original = lambda _model, x: x  # noqa: E731
    results = []
    while not arms.done:
        results.append(arms.call(original, model, given))
    assert all(np.array_equal(result, given["x"]) for result in results)
    assert arms.checks["call/other"] == "different"
    assert not any(window.arm == "call/other" for window in arms.windows)


def test_the_order_of_blocks_is_random(tf: Any) -> None:
    arms, model, given = call_arms(), Calls(ours=lambda x: x), {"x": np.zeros(3)}
    while not arms.done:
        arms.call(lambda _model, x: x, model, given)
    assert arms.checks["call/other"] == "same"
    rounds = [tuple(window.arm for window in arms.windows if window.round == number) for number in range(3)]
    assert all(len(order) == 3 for order in rounds)
    assert len(set(rounds)) > 1


@pytest.mark.parametrize(
    ("call_s", "units", "rounds"), [(0.01, 8, 3), (0.3, 8, 3), (0.5, 6, 3), (4.0, 1, 3), (10.0, 1, 1)]
)
def test_blocks_of_long_calls_are_short(
    tf: Any, monkeypatch: pytest.MonkeyPatch, call_s: float, units: int, rounds: int
) -> None:
    from fitdoctor.probe.trials.units import calls

    clock = FakeClock()
    monkeypatch.setattr(calls, "time", SimpleNamespace(perf_counter=clock))

    def predict(x: Any) -> Any:
        clock.pass_(call_s)
        return x

    arms, model, given = call_arms(), Calls(ours=predict), {"x": np.zeros(3)}
    while not arms.done:
        arms.call(lambda _model, x: predict(x), model, given)
    assert {window.units for window in arms.windows} == {units}
    assert [len([w for w in arms.windows if w.round == number]) for number in range(rounds)] == [3] * rounds
    assert arms.why == ""


def test_a_substitute_that_fails_ends_the_trial_with_its_error(tf: Any) -> None:
    def fails(x: Any) -> Any:
        raise TypeError("no list")

    arms, model, given = call_arms(), Calls(ours=fails), {"x": np.zeros(3)}
    assert np.array_equal(arms.call(lambda _model, x: x, model, given), given["x"])
    assert arms.done
    assert arms.why == "the call in its place failed (TypeError: no list)"


def test_too_few_calls_are_reported(tf: Any) -> None:
    arms, model, given = call_arms(), Calls(ours=lambda x: x), {"x": np.zeros(3)}
    assert arms.why == "none of the calls there could be replaced as they are made"
    for _ in range(10):
        arms.call(lambda _model, x: x, model, given)
    assert arms.why == "only 10 calls of the script's came there, too few to compare"


def test_a_substitute_that_reports_another_loss_is_different(keras: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from fitdoctor.probe.observe import single_batch_fits
    from fitdoctor.probe.observe.binding import bind
    from fitdoctor.probe.trials.units import calls

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    fit = type(model).fit
    bound = bind(fit, model, (np.ones((4, 2)), np.ones((4, 1))), {"verbose": 0})
    place = {"file": "train.py", "line": 1, "position": -1}
    change = {"kind": "replace-call", "place": place, "call": "fit", "replacement": "train_on_batch"}
    arm = ArmSpec(id="call/other", changes=[change])
    fit(model, **bound)
    assert calls.compare_weights(arm, fit, model, bound, lambda: None) == "same"
    train = single_batch_fits.train

    def running(model: Any, bound: dict[str, Any]) -> Any:
        history = train(model, bound)
        history.history["loss"] = [history.history["loss"][0] * 2]
        return history

    monkeypatch.setattr(single_batch_fits, "train", running)
    assert calls.compare_weights(arm, fit, model, bound, lambda: None) == "different"


def test_calls_that_differ_from_themselves_are_not_replaced(tf: Any) -> None:
    draw = np.random.default_rng()
    arms, model, given = call_arms(), Calls(ours=lambda x: x), {"x": np.zeros(3)}
    while not arms.done:
        arms.call(lambda _model, x: x + draw.normal(), model, given)
    assert arms.checks["call/placebo"] == "different"
    assert sum(window.arm == "call/other" for window in arms.windows) <= 1
