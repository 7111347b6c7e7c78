"""Arms of one fit, in the process of the tests: their input, their timing, and what they restore."""

from __future__ import annotations

import itertools
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fitdoctor.changes.model import Change, InsertCall, Place, Precompute, RemoveCall, SetArgument, SwapCalls
from fitdoctor.probe.trainer import keras_internals
from tests.support.arms import arm

pytestmark = pytest.mark.e2e

ROWS = 70
X = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
Y = (np.arange(ROWS, dtype=np.float32) / ROWS)[:, None]
TRACED_S = 0.5
# Much longer than the time of a batch, so that any read-ahead has ended.
SETTLED_S = 0.3


@pytest.fixture
def model(keras: Any) -> Any:
    keras.utils.set_random_seed(1)
    layers = [
        keras.Input((4,)),
        keras.layers.Dense(8, activation="relu"),
        keras.layers.Dropout(0.5),
        keras.layers.Dense(1),
    ]
    made = keras.Sequential(layers)
    made.compile(optimizer="adam", loss="mse", metrics=["mae"])
    return made


@pytest.fixture
def fit(model: Any) -> Callable[..., Any]:
    """Makes the arms of `model.fit(…)`."""

    def arms(x: Any, y: Any = None, **keywords: Any) -> Any:
        from fitdoctor.probe.observe.binding import bind
        from fitdoctor.probe.trials.fit_arms import FitArms

        bound = bind(type(model).fit, model, (x, y), {"verbose": 0, **keywords})
        return FitArms(model, bound, 2)

    return arms


def place(position: int = -1) -> Place:
    return Place(file="train.py", line=1, position=position)


def compile_(argument: str, value: Any) -> SetArgument:
    return SetArgument(place=place(), call="Model.compile", argument=argument, value=value)


class TestFeeds:
    def test_arrays_are_split_and_batched_as_fit_does(self, fit: Callable[..., Any]) -> None:
        arms = fit(X, Y, batch_size=16, validation_split=0.3, shuffle=False)
        batches = list(arms.stepper.feeds.dataset([]).as_numpy_iterator())
        assert [len(x) for x, _ in batches] == [16, 16, 16, 1]
        assert np.array_equal(np.concatenate([x for x, _ in batches]), X[:49])
        assert np.array_equal(np.concatenate([y for _, y in batches]), Y[:49])
        x, y = keras_internals.unpacked(arms.stepper.bound["validation_data"])[:2]
        assert np.array_equal(x, X[49:])
        assert np.array_equal(y, Y[49:])

    def test_dicts_and_sample_weights_are_fed_too(self, tf: Any, fit: Callable[..., Any]) -> None:
        arms = fit({"a": X}, {"b": Y}, sample_weight=np.arange(ROWS), batch_size=35, shuffle=False)
        (first, _) = arms.stepper.feeds.dataset([]).as_numpy_iterator()
        x, y, weights = first
        assert np.array_equal(x["a"], X[:35])
        assert np.array_equal(y["b"], Y[:35])
        assert tf.nest.flatten(weights)[0].tolist() == list(range(35))

    def test_an_endless_feed_of_arrays_has_every_row_once_per_pass(self, fit: Callable[..., Any]) -> None:
        endless = fit(X, Y, batch_size=10).stepper.feeds.endless([])
        labels = [label for _, y in endless.take(14).as_numpy_iterator() for label in y[:, 0]]
        assert Counter(labels) == Counter(dict.fromkeys(Y[:, 0], 2))

    def test_arms_share_one_generator_and_lose_no_batch(self, fit: Callable[..., Any]) -> None:
        batches = ((X[:8] + number, Y[:8]) for number in itertools.count())
        arms = fit(batches, steps_per_epoch=5)
        feeds = [iter(arms.stepper.feeds.endless([])) for _ in range(2)]
        drawn = [float(np.mean(next(feeds[turn % 2])[0] - X[:8])) for turn in range(6)]
        assert len({round(value) for value in drawn}) == 6

    def test_the_batches_of_a_generator_that_repeats_are_kept(self, fit: Callable[..., Any]) -> None:
        def batches() -> Iterator[Any]:
            for start in itertools.cycle(range(0, 64, 16)):
                yield X[start : start + 16], Y[start : start + 16]

        arms = fit(batches(), steps_per_epoch=4)
        change = Precompute(place=place(), call="Model.fit", argument="x")
        kept = list(arms.stepper.feeds.dataset([change]).take(8).as_numpy_iterator())
        assert np.array_equal(np.concatenate([x for x, _ in kept[:4]]), X[:64])
        assert np.array_equal(np.concatenate([x for x, _ in kept[4:]]), X[:64])

    @pytest.mark.parametrize("steps", [1, 4])
    def test_a_generator_that_ends_is_an_error(self, fit: Callable[..., Any], steps: int) -> None:
        arms = fit(((X[:8], Y[:8]) for _ in range(10)), steps_per_epoch=5)
        with pytest.raises(ValueError, match="came to its end"):
            arms.prepare(arm("executions", compile_("steps_per_execution", steps)))

    def test_an_input_that_ends_before_the_first_window_is_an_error(
        self, fit: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from fitdoctor.probe.trials.units import step as module

        monkeypatch.setattr(module, "lead_of", lambda *_, **__: next(iter(())))
        with pytest.raises(ValueError, match="came to its end"):
            fit(X, Y).prepare(arm("baseline"))

    def test_a_free_input_repeats_real_batches(self, tf: Any, fit: Callable[..., Any]) -> None:
        arms = fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(32))
        rows = {row.tobytes() for row in X}
        shapes = {x.shape for x, _ in arms.stepper.feeds.fixed().take(8).as_numpy_iterator()}
        assert shapes == {(32, 4)}
        assert all(
            row.tobytes() in rows for x, _ in arms.stepper.feeds.fixed().take(8).as_numpy_iterator() for row in x
        )


class TestReadAhead:
    """While one arm is timed, no other arm reads from its input."""

    @staticmethod
    def check(arms: Any, drawn: Counter[int]) -> None:
        owners: dict[str, set[int]] = {}
        pair = [arm("baseline"), arm("placebo")]
        for each in pair:
            before = set(drawn)
            arms.prepare(each)
            owners[each.id] = set(drawn) - before
        assert all(owners.values())
        for each in pair * 3:
            time.sleep(SETTLED_S)
            before = Counter(drawn)
            arms.window(each)
            moved = {source for source, count in drawn.items() if count != before[source]}
            assert moved
            assert moved <= owners[each.id]

    def test_only_the_timed_arm_reads_from_a_generator(self, tf: Any, fit: Callable[..., Any]) -> None:
        drawn: Counter[int] = Counter()
        sources = itertools.count()

        def rows() -> Iterator[Any]:
            source = next(sources)
            for number in itertools.count():
                drawn[source] += 1
                yield X[number % ROWS], Y[number % ROWS]

        signature = (tf.TensorSpec((4,), tf.float32), tf.TensorSpec((1,), tf.float32))
        dataset = tf.data.Dataset.from_generator(rows, output_signature=signature)
        self.check(fit(dataset.batch(8).prefetch(tf.data.AUTOTUNE), steps_per_epoch=10), drawn)

    def test_only_the_timed_arm_runs_a_map_in_python(self, tf: Any, fit: Callable[..., Any]) -> None:
        drawn: Counter[int] = Counter()
        sources = itertools.count()

        def parse(x: Any, y: Any) -> Any:
            source = next(sources)  # the function is traced once per pipeline

            def counted(value: Any) -> Any:
                drawn[source] += 1
                return value

            read = tf.numpy_function(counted, [x], tf.float32)
            read.set_shape((4,))
            return read, y

        dataset = tf.data.Dataset.from_tensor_slices((X, Y)).shuffle(ROWS)
        dataset = dataset.map(parse, num_parallel_calls=tf.data.AUTOTUNE).batch(8).prefetch(tf.data.AUTOTUNE)
        self.check(fit(dataset), drawn)


class TestVerification:
    @pytest.fixture
    def arms(self, tf: Any, fit: Callable[..., Any]) -> Any:
        return fit(tf.data.Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x * 2, y)).shuffle(30).batch(8))

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            (InsertCall(place=place(3), call="prefetch", arguments={"buffer_size": 1}), "same"),
            (InsertCall(place=place(1), call="skip", arguments={"count": 1}), "different"),
            (SwapCalls(place=place(1), batch=place(3)), "same"),
        ],
        ids=["prefetch", "skip", "swap"],
    )
    def test_changed_batches_are_detected(self, arms: Any, change: Change, found: str) -> None:
        assert arms.verify(arm("remedy", change)).batches == found

    @pytest.mark.parametrize(
        ("change", "found"),
        [
            (Precompute(place=place(), call="Model.fit", argument="x"), "same"),
            (RemoveCall(place=place(), call="tf.data.experimental.enable_debug_mode"), ""),
        ],
        ids=["kept", "drawn"],
    )
    def test_batches_of_a_generator_are_compared_only_where_they_are_kept(
        self, fit: Callable[..., Any], change: Change, found: str
    ) -> None:
        reply = fit(((X[:8], Y[:8]) for _ in range(10)), steps_per_epoch=5).verify(arm("remedy", change))
        assert reply.batches == found
        assert reply.why

    def test_weights_are_compared_after_some_steps(self, arms: Any, model: Any) -> None:
        arms.prepare(arm("baseline"))
        assert arms.verify(arm("larger-execution", compile_("steps_per_execution", 4))).weights == "same"
        assert arms.verify(arm("compiled", compile_("jit_compile", True))).weights in ("same", "close", "different")

    @pytest.mark.parametrize("count", [0, 1], ids=["same", "different"])
    def test_batches_and_weights_are_compared_separately(self, arms: Any, count: int) -> None:
        arms.prepare(arm("baseline"))
        skipped = InsertCall(place=place(1), call="skip", arguments={"count": count})
        found = arms.verify(arm("both", skipped, compile_("steps_per_execution", 4)))
        assert (found.batches, found.weights) == (("same", "different")[count], "same")
        assert bool(found.why) == bool(count)

    def test_nothing_is_verified_where_the_model_is_too_large_to_compare(
        self, arms: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from fitdoctor.probe.trials.equivalence import training_state

        monkeypatch.setattr(training_state, "MOST_BYTES", -1)
        arms.prepare(arm("baseline"))
        found = arms.verify(arm("compiled", compile_("jit_compile", True)))
        assert (found.batches, found.weights) == ("", "")
        assert "too large" in found.why

    def test_tracing_during_a_verification_counts_as_one_off_cost(
        self, tf: Any, keras: Any, model: Any, fit: Callable[..., Any]
    ) -> None:
        def loss(y_true: Any, y_pred: Any) -> Any:
            time.sleep(TRACED_S)
            return keras.ops.mean((y_true - y_pred) ** 2)

        model.compile(optimizer="adam", loss=loss)
        arms = fit(tf.data.Dataset.from_tensor_slices((X, Y)).batch(8, drop_remainder=True))
        arms.prepare(arm("baseline"))
        larger = arm("larger-execution", compile_("steps_per_execution", 4))
        assert arms.verify(larger).weights == "same"
        assert arms.prepare(larger).one_off_s >= TRACED_S


class TestRestoring:
    def test_settings_and_functions_of_the_script_are_restored(self, fit: Callable[..., Any], model: Any) -> None:
        arms = fit(X, Y, batch_size=8)
        for each in (arm("baseline"), arm("eager", compile_("run_eagerly", True), compile_("steps_per_execution", 4))):
            function = model.train_function
            arms.verify(each)
            arms.prepare(each)
            window = arms.window(each)
            assert window.units > 0
            assert (model.run_eagerly, model.steps_per_execution, model.jit_compile) == (False, 1, model.jit_compile)
            assert model.train_function is function

    def test_a_snapshot_restores_a_model_bit_for_bit(self, model: Any) -> None:
        from fitdoctor.probe.state.model_snapshot import Snapshot, compare

        model.train_on_batch(X[:8], Y[:8])
        snapshot = Snapshot(model)
        start = snapshot.weights()
        before = [np.asarray(variable).copy() for variable in model.variables + model.optimizer.variables]
        reached = []
        for _ in range(2):
            snapshot.restore()
            for begin in range(0, 64, 8):
                model.train_on_batch(X[begin : begin + 8], Y[begin : begin + 8])
            reached.append(snapshot.weights())
        assert compare(start, *reached) == "same"  # the seeds of dropout are restored too
        assert compare(start, start, reached[0]) == "different"
        snapshot.restore()
        after = [np.asarray(variable).copy() for variable in model.variables + model.optimizer.variables]
        assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))

    def test_weights_are_the_same_close_or_different(self) -> None:
        from fitdoctor.probe.state.model_snapshot import compare

        start, ours = [np.zeros(4)], [np.ones(4)]
        assert compare(start, ours, [np.ones(4)]) == "same"
        assert compare(start, ours, [np.full(4, 1.01)]) == "close"
        assert compare(start, ours, [np.full(4, 1.5)]) == "different"
        assert compare(start, [np.full(4, np.nan)], [np.full(4, np.nan)]) == "same"


class TestUnits:
    def test_epoch_ends_and_validations_are_timed(self, keras: Any, fit: Callable[..., Any]) -> None:
        ended: list[int] = []
        callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ended.append(epoch))
        arms = fit(X, Y, batch_size=8, validation_split=0.3, callbacks=[callback])
        arms.prepare(arm("baseline"))
        arms.window(arm("baseline"))
        ends, passes = arm("baseline", unit="epoch_end"), arm("baseline", unit="validation")
        arms.prepare(ends)
        assert arms.window(ends).units == len(ended) == 1
        arms.prepare(passes)
        assert arms.window(passes).units == 1

    def test_a_validation_within_a_whole_epoch_trains_nothing(self, fit: Callable[..., Any], model: Any) -> None:
        arms = fit(X, Y, batch_size=8, validation_split=0.3)
        parts = ["step", "start", "validation"]
        whole = replace(arm("baseline", unit="whole"), parts=parts, epoch_steps=6)
        arms.prepare(whole)
        arms.window(whole)
        before = [np.asarray(weight).copy() for weight in model.weights]
        arms._trials["validation"].run(arms._runners[whole.id])
        assert all(np.array_equal(weight, was) for weight, was in zip(model.weights, before, strict=True))
