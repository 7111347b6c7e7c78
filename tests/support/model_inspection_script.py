"""Inspects models on the backend of `KERAS_BACKEND`, each of which stays the same bit for bit.

Runs in a process of its own, and prints one JSON object with what it found.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.observe.binding import bind
from fitdoctor.probe.state.model_snapshot import read, variables_of
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trainer import learning_rate, variable_reader
from fitdoctor.probe.trials.inside.inspection import inspect_model

ROWS = 96
keras.utils.set_random_seed(1)
x = np.random.default_rng(0).normal(size=(ROWS, 8)).astype("float32")
y = (x.sum(axis=1) > 0).astype("int64")


def state(model: Any) -> list[Any]:
    held = hashlib.md5(b"".join(read(variable).tobytes() for variable in variables_of(model))).hexdigest()
    chance = [repr(random.getstate()), repr(np.random.get_state()), RandomState.fingerprints()]
    gradients = [repr(weight.value.grad) for weight in model.trainable_weights] if backends.name() == "torch" else []
    return [held, *chance, *gradients]


def inspected(model: Any, *arguments: Any, **keywords: Any) -> Any:
    bound = bind(type(model).fit, model, arguments, keywords)
    before = state(model)
    found = inspect_model(model, bound, rows=32, seconds=60.0)
    assert state(model) == before, [(a, b) for a, b in zip(before, state(model), strict=True) if a != b]
    return found


def everything() -> Any:
    """A model with statistics, seeds and penalties, a layer of dead units and a saturated one."""
    inputs = {"a": keras.Input((8,), name="a"), "b": keras.Input((8, 1), name="b")}
    folded = keras.layers.Conv1D(3, 3, activation="relu")(inputs["b"])
    folded = keras.layers.Flatten()(keras.layers.BatchNormalization()(folded))
    joined = keras.layers.Dropout(0.3)(keras.layers.Concatenate()([inputs["a"], folded]))
    dead = keras.layers.Dense(4, activation="relu", bias_initializer=keras.initializers.Constant(-1e6), name="dead")(
        joined
    )
    wide = keras.initializers.RandomNormal(stddev=1e4)
    full = keras.layers.Dense(4, activation="tanh", kernel_initializer=wide, kernel_regularizer="l2", name="full")(
        joined
    )
    first = keras.layers.Dense(2, activation="softmax", name="first")(keras.layers.Concatenate()([dead, full]))
    second = keras.layers.Dense(1, name="second")(keras.layers.GaussianNoise(0.1)(full))
    return keras.Model(inputs, {"first": first, "second": second})


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        return x[index * 32 : index * 32 + 32] + np.random.rand(), y[index * 32 : index * 32 + 32]


def batches() -> Iterator[Any]:
    yield from ((x[:16], y[:16]), (x[16:32], y[16:32]))


class Own(keras.Model):  # type: ignore[misc]
    """A subclassed model."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.last = keras.layers.Dense(4, activation="relu"), keras.layers.Dense(2, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.last(self.hidden(inputs))


class Stepped(Own):
    def train_step(self, *_: Any) -> Any:
        raise AssertionError("nothing is trained here")


class Failing(Own):
    fails = False

    def call(self, inputs: Any) -> Any:
        if self.fails:
            keras.random.uniform(())  # draws from Keras' own generator
            raise RuntimeError("no further")
        return super().call(inputs)


# A model of many kinds of layers, inputs and outputs. A short training builds its optimizer, metrics and statistics.
fed = {"a": x, "b": x[..., None]}
targets, weights = {"first": y, "second": x[:, :1]}, {"first": np.ones(ROWS), "second": np.ones(ROWS)}
model = everything()
model.compile("adam", {"first": "sparse_categorical_crossentropy", "second": "mse"}, metrics={"first": "accuracy"})
model.fit(fed, targets, sample_weight=weights, epochs=1, verbose=0)
found = inspected(model, fed, targets, sample_weight=weights)
assert found.missing == "", found.missing
layers = {layer.name: layer for layer in found.layers}
assert layers["dead"].dead == 1.0, layers["dead"]
assert layers["full"].saturated > 0.9, layers["full"]
gradients = {each.name: each for each in found.gradients}
assert gradients["dead/kernel"].gradient == 0.0
assert gradients["second/kernel"].gradient > 0
assert np.isclose(
    gradients["second/kernel"].norm, np.linalg.norm(model.get_layer("second").get_weights()[0]), rtol=1e-4
)
assert {part.name for part in found.inputs} >= {
    "x['a']",
    "x['b']",
    "y['first']",
    "y['second']",
    "sample_weight['first']",
}

# The gradient is that of the loss of the model.
plain = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
plain.compile("sgd", "mse")
(kernel, bias), target = plain.get_weights(), x[:32, :1]
error = x[:32] @ kernel + bias - target
expected = np.linalg.norm(2 * x[:32].T @ error / 32)
seen = inspected(plain, x[:32], target)
assert np.isclose(seen.gradients[0].gradient, expected, rtol=1e-4), (seen.gradients[0], expected)
assert np.isclose(seen.loss, np.mean(error**2), rtol=1e-4)

# Inputs that are not in memory, and models that can be inspected only in part.
kinds = {}
for name, given in {"pydataset": Batches(), "generator": batches()}.items():
    own = Own()
    own.compile("adam", "sparse_categorical_crossentropy")
    own.fit(x[:32], y[:32], verbose=0)
    kinds[name] = inspected(own, given)
    assert kinds[name].missing == "", kinds[name].missing
    assert [part.name for part in kinds[name].inputs] == ["x", "y"]
whys = {}
for kind in (Stepped, Failing):
    own = kind()
    own.compile("adam", "sparse_categorical_crossentropy")
    own._symbolic_build(data_batch=(x, y, None))
    own.fails = True
    whys[kind.__name__] = inspected(own, x, y)
assert "train_step" in whys["Stepped"].missing
assert len(whys["Stepped"].layers) == 2
assert backends.name() == "jax" or "no further" in whys["Failing"].missing  # JAX fails at the random number already
assert whys["Failing"].missing

# Entries of weights and rates of schedules have the values that the framework computes.
for variable in model.trainable_variables:
    values = np.asarray(keras.ops.convert_to_numpy(variable.value)).reshape(-1)
    index = np.unique(np.linspace(0, values.size - 1, 5).astype(np.int64))
    assert np.array_equal(variable_reader.entries(variable, index), values[index].astype(np.float64))
if backends.name() == "jax":  # its steps reuse the memory of their weights
    import jax

    step = jax.jit(lambda value: value * 0.5, donate_argnums=0)
    value = step(step(jax.numpy.ones(1 << 16)))
    place = value.unsafe_buffer_pointer()
    assert variable_reader.number(SimpleNamespace(_value=value)) == 0.25
    assert step(value).unsafe_buffer_pointer() == place
    assert variable_reader.entries(SimpleNamespace(_value=value), index) is None
assert variable_reader.entries(SimpleNamespace(_value=None), index) is None
schedules = keras.optimizers.schedules
for schedule in (
    schedules.ExponentialDecay(0.1, 7, 0.5),
    schedules.ExponentialDecay(0.1, 7, 0.5, staircase=True),
    schedules.InverseTimeDecay(0.1, 7, 0.5),
    schedules.PolynomialDecay(0.1, 7, 0.01, power=2.0),
    schedules.PolynomialDecay(0.1, 7, 0.01, cycle=True),
    schedules.PiecewiseConstantDecay([5, 9], [0.1, 0.05, 0.01]),
    schedules.CosineDecay(0.1, 7, alpha=0.1),
    schedules.CosineDecay(0.01, 7, warmup_target=0.1, warmup_steps=4),
    schedules.CosineDecayRestarts(0.1, 4, t_mul=2.0, m_mul=0.5),
    schedules.CosineDecayRestarts(0.1, 4, t_mul=1.0),
):
    optimizer = keras.optimizers.SGD(schedule)
    for step in (0, 3, 5, 13):
        optimizer.iterations.assign(step)
        ours, theirs = learning_rate.current(optimizer), float(keras.ops.convert_to_numpy(schedule(step)))
        assert ours is not None
        assert np.isclose(ours, theirs, rtol=1e-4, atol=1e-8), (schedule, step, ours, theirs)


class Called(schedules.LearningRateSchedule):  # type: ignore[misc]
    def __call__(self, step: Any) -> Any:
        raise AssertionError("a schedule of the user's own is not called")


assert learning_rate.current(keras.optimizers.SGD(Called())) is None

sys.stdout.write(json.dumps({"backend": backends.name(), "rows": [kinds[name].rows for name in kinds]}) + "\n")
