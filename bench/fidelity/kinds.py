"""Makes the models and inputs of `python -m bench.fidelity`, and measures one of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from fitdoctor.recording.trial_protocol import ArmSpec

ROWS, FEATURES, BATCH = 512, 12, 32
Made = tuple[Any, Callable[[], dict[str, Any]]]


def _data(*shape: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(0)
    return draw.normal(size=(ROWS, *shape)).astype("float32"), draw.normal(size=(ROWS, 1)).astype("float32")


def _compiled(model: Any, optimizer: Any = "adam", **keywords: Any) -> Any:
    model.compile(optimizer=optimizer, loss="mse", metrics=["mae"], **keywords)
    return model


def _dense(*between: Any) -> Any:
    import keras

    return keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(32, activation="relu"), *between, keras.layers.Dense(1)]
    )


def dense() -> Made:
    """Dense layers on NumPy arrays, Adam, rows shuffled by Keras."""
    x, y = _data(FEATURES)
    return _compiled(_dense()), lambda: {"x": x, "y": y, "batch_size": BATCH}


def batch_norm() -> Made:
    """BatchNormalization and Dropout with a seed of its own."""
    import keras

    x, y = _data(FEATURES)
    model = _dense(keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=3))
    return _compiled(model), lambda: {"x": x, "y": y, "batch_size": BATCH}


def momentum() -> Made:
    """SGD with momentum, a learning rate schedule, Dropout without a seed."""
    import keras

    x, y = _data(FEATURES)
    rate = keras.optimizers.schedules.ExponentialDecay(0.05, 10, 0.9)
    model = _dense(keras.layers.Dropout(0.2))
    return _compiled(model, keras.optimizers.SGD(rate, momentum=0.9)), lambda: {"x": x, "y": y, "batch_size": BATCH}


def accumulation() -> Made:
    """AdamW with gradients added up over four steps and a moving average of weights."""
    import keras

    x, y = _data(FEATURES)
    optimizer = keras.optimizers.AdamW(gradient_accumulation_steps=4, use_ema=True, ema_overwrite_frequency=5)
    return _compiled(_dense(), optimizer), lambda: {"x": x, "y": y, "batch_size": BATCH}


def gru() -> Made:
    """A GRU with recurrent dropout."""
    import keras

    x, y = _data(10, 6)
    layers = [keras.Input((10, 6)), keras.layers.GRU(16, dropout=0.1, recurrent_dropout=0.1), keras.layers.Dense(1)]
    return _compiled(keras.Sequential(layers)), lambda: {"x": x, "y": y, "batch_size": BATCH}


def custom_step() -> Made:
    """A train_step of the user's, with two optimizers and a plain tf.Variable."""
    import keras
    import tensorflow as tf

    class Two(keras.Model):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = keras.layers.Dense(16, activation="relu"), keras.layers.Dense(1)
            self.other = keras.optimizers.Adam(1e-2)
            self.seen = tf.Variable(0.0, trainable=False)

        def call(self, x: Any) -> Any:
            return self.second(self.first(x))

        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean((self(x, training=True) - y) ** 2) + 1e-3 * self.seen
            ours, theirs = self.first.trainable_variables, self.second.trainable_variables
            gradients = tape.gradient(loss, [*ours, *theirs])
            self.optimizer.apply(gradients[: len(ours)], ours)
            self.other.apply(gradients[len(ours) :], theirs)
            self.seen.assign_add(tf.reduce_mean(x))
            return {"loss": loss}

    x, y = _data(FEATURES)
    model = Two()
    model(x[:2])
    model.optimizer = None
    model.compile(optimizer=keras.optimizers.SGD(1e-2, momentum=0.5))
    model.optimizer.build(model.first.trainable_variables)
    model.other.build(model.second.trainable_variables)
    return model, lambda: {"x": x, "y": y, "batch_size": BATCH}


def several_inputs() -> Made:
    """Two inputs in a dict, one of them through an Embedding."""
    import keras

    x, y = _data(FEATURES)
    ids = np.random.default_rng(1).integers(0, 50, (ROWS, 3))
    numbers, words = keras.Input((FEATURES,), name="numbers"), keras.Input((3,), name="words", dtype="int32")
    joined = keras.layers.Concatenate()([numbers, keras.layers.Flatten()(keras.layers.Embedding(50, 4)(words))])
    model = keras.Model({"numbers": numbers, "words": words}, keras.layers.Dense(1)(joined))
    return _compiled(model), lambda: {"x": {"numbers": x, "words": ids}, "y": y, "batch_size": BATCH}


def shuffled_pipeline() -> Made:
    """tf.data with a seeded shuffle, a parallel map and prefetch."""
    import tensorflow as tf

    x, y = _data(FEATURES)

    def given() -> dict[str, Any]:
        rows = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(ROWS, seed=5)
        mapped = rows.map(lambda a, b: (a * 1.5, b), num_parallel_calls=2)
        return {"x": mapped.batch(BATCH, drop_remainder=True).repeat().prefetch(2), "steps_per_epoch": 8}

    return _compiled(_dense()), given


def py_dataset() -> Made:
    """A PyDataset that draws noise from NumPy's global generator."""
    import keras

    x, y = _data(FEATURES)

    class Noisy(keras.utils.PyDataset):  # type: ignore[misc]
        def __len__(self) -> int:
            return ROWS // BATCH

        def __getitem__(self, index: int) -> Any:
            rows = slice(index * BATCH, (index + 1) * BATCH)
            return x[rows] + np.random.normal(size=(BATCH, FEATURES)).astype("float32"), y[rows]

    return _compiled(_dense()), lambda: {"x": Noisy(workers=1), "shuffle": False}


def mixed_precision() -> Made:
    """The policy mixed_float16, whose optimizer scales the loss."""
    import keras

    x, y = _data(FEATURES)
    keras.mixed_precision.set_global_policy("mixed_float16")
    layers = [
        keras.Input((FEATURES,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dense(1, dtype="float32"),
    ]
    return _compiled(keras.Sequential(layers)), lambda: {"x": x, "y": y, "batch_size": BATCH}


def in_groups() -> Made:
    """Several steps in one call, steps_per_execution=4, and a callback that freezes a layer and sets the rate."""
    import keras

    class Meddler(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            self.model.layers[0].trainable = False
            self.model.optimizer.learning_rate = 1e-4

    x, y = _data(FEATURES)
    model = _compiled(_dense(), steps_per_execution=4)
    return model, lambda: {"x": x, "y": y, "batch_size": BATCH, "callbacks": [Meddler()]}


KINDS: dict[str, Callable[[], Made]] = {
    made.__name__: made
    for made in (
        dense, batch_norm, momentum, accumulation, gru, custom_step, several_inputs, shuffled_pipeline, py_dataset,
        mixed_precision, in_groups,
    )
}  # fmt: skip


def measure(make: Callable[[], Made], steps: int, rounds: int) -> dict[str, Any]:
    """Runs plain steps twice, then arms, then plain steps once more, all from the same state."""
    import keras

    from fitdoctor.probe.inputs import tfdata_recipes
    from fitdoctor.probe.observe.binding import bind
    from fitdoctor.probe.trials.fit_arms import FitArms

    tfdata_recipes.install(
        sys.modules["tensorflow.python.data.ops.dataset_ops"], sys.modules["tensorflow.python.data.ops.readers"]
    )
    keras.utils.set_random_seed(11)
    model, given = make()
    arms = FitArms(model, bind(type(model).fit, model, (), {"verbose": 0, **given()}), 2)
    place = {"file": "train.py", "line": 1, "position": -1}
    groups = {
        "kind": "set-argument",
        "place": place,
        "call": "Model.compile",
        "argument": "steps_per_execution",
        "value": 8,
    }
    tried = [_arm("baseline"), _arm("placebo"), _arm("larger-execution", groups), _arm("baseline", unit="epoch_end")]
    arms.prepare(tried[0])
    state = arms.training_state
    assert state is not None

    def plain() -> list[Any]:
        state.restore(whole=True)
        state.check(whole=True)
        keywords = given()
        keywords.pop("steps_per_epoch", None)
        model.train_function = None  # traced again, as in a process without trials
        model.fit(**keywords, steps_per_epoch=steps, epochs=1, verbose=0)
        model.train_function = None
        return [np.asarray(weight).copy() for weight in model.weights]

    first, second = plain(), plain()
    state.restore(whole=True)
    for arm in tried[1:]:
        if arm.role == "remedy":
            arms.verify(arm)
        arms.prepare(arm)
    for _ in range(rounds):
        arms.windows(tried[:3])
        arms.windows(tried[3:])
    third = plain()
    return {
        "arms": len(tried),
        "windows": rounds * len(tried),
        "plain_agree": _same(first, second),
        "same": _same(first, third),
        "largest": max(float(np.max(np.abs(a.astype("float64") - b))) for a, b in zip(first, third, strict=True)),
    }


def _arm(name: str, *changes: dict[str, Any], unit: str = "step") -> ArmSpec:
    role = name if name in ("baseline", "placebo") else "remedy"
    return ArmSpec(id=f"{unit}/{name}", role=role, unit=unit, remedy=name, changes=list(changes))


def _same(ours: list[Any], theirs: list[Any]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True))
