"""Small models of tf_keras, and arms of their fits."""

from __future__ import annotations

from typing import Any

import numpy as np

from fitdoctor.changes.model import Place, SetArgument
from fitdoctor.probe.observe.binding import bind

X = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
Y = X.sum(axis=1, keepdims=True)


def compiled_model(keras: Any, **compiled: Any) -> Any:
    """A model with weights, statistics, slots, metrics, and a random generator."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inner = [layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.5, rng_type="stateful"), layers.Dense(1)]
    model = keras.Sequential([keras.Input((8,)), *inner])
    model.compile(**{"optimizer": "adam", "loss": "mse", "metrics": ["mae"], **compiled})
    return model


def arms_of(model: Any, x: Any, y: Any = None, **keywords: Any) -> Any:
    from fitdoctor.probe.trials.fit_arms import FitArms

    return FitArms(model, bind(type(model).fit, model, (x, y), {"verbose": 0, **keywords}), 2)


def state_of(model: Any) -> list[Any]:
    (generator,) = [layer._random_generator._generator for layer in model.layers if layer.name.startswith("dropout")]
    kept = [
        *model.variables,
        *model.optimizer.variables(),
        *(each for metric in model.metrics for each in metric.variables),
    ]
    return [np.asarray(variable).copy() for variable in (*kept, generator.state)]


def are_equal(some: list[Any], others: list[Any]) -> bool:
    return len(some) == len(others) and all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def set_argument(call: str, argument: str, value: Any) -> SetArgument:
    return SetArgument(place=Place(file="train.py", line=1), call=call, argument=argument, value=value)
