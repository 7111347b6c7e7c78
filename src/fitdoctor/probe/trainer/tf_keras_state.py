"""The state of a tf_keras model and its process: variables and random generators."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

DRAWS_INSIDE = (
    "layers such as Dropout draw random numbers within TensorFlow, which can't be restored, "
    "so weights can't be compared"
)


def variables_of(model: Any) -> list[Any]:
    """Every variable that training may change. Some occur more than once."""
    import tensorflow as tf

    found = [*model.variables, *(variable for metric in model.metrics for variable in metric.variables)]
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            found += _variables_in(value, tf)
    steps = model._steps_per_execution  # a setting, not a state
    return [variable for variable in found if variable is not steps]


def _variables_in(value: Any, tf: Any) -> list[Any]:
    from tf_keras import optimizers
    from tf_keras.src.backend import RandomGenerator

    if isinstance(value, tf.Variable):
        return [value]
    if isinstance(value, tf.random.Generator):
        return [value.state]
    if isinstance(value, RandomGenerator):
        return [value._generator.state] if getattr(value, "_generator", None) is not None else []
    return optimizer_variables(value) if isinstance(value, (optimizers.Optimizer, optimizers.legacy.Optimizer)) else []


def optimizer_variables(optimizer: Any) -> list[Any]:
    """The variables of an optimizer and of the one inside it, with learning rates. Some occur more than once."""
    import tensorflow as tf

    kept = [*optimizer.variables(), *vars(optimizer).values(), *getattr(optimizer, "_hyper", {}).values()]
    inner = getattr(optimizer, "_optimizer", None)
    return [
        *(each for each in kept if isinstance(each, tf.Variable)),
        *(optimizer_variables(inner) if inner is not None else ()),
    ]


def seeds() -> str:
    """The current state of the generator of seeds, as a short text."""
    from tf_keras.src import backend

    generator = getattr(backend._SEED_GENERATOR, "generator", None)
    return str(None if generator is None else hash(generator.getstate()))


def random_state() -> list[Callable[[], Any]]:
    """Functions that restore the generator of seeds, and the numbers in the names of later layers."""
    from tf_keras.src import backend

    held = backend._SEED_GENERATOR
    steps: list[Callable[[], Any]] = []
    generator = getattr(held, "generator", None)
    if generator is not None:
        steps = [partial(setattr, held, "generator", generator), partial(generator.setstate, generator.getstate())]
    for names in backend.PER_GRAPH_OBJECT_NAME_UIDS.values():
        steps.append(partial(_restore_counts, names, dict(names)))
    return steps


def _restore_counts(names: Any, saved: dict[Any, Any]) -> None:
    names.clear()
    names.update(saved)


def stateful_types() -> tuple[type, ...]:
    """Classes of objects with a state."""
    from tf_keras import callbacks, layers, losses, optimizers, utils
    from tf_keras.src.backend import RandomGenerator
    from tf_keras.src.engine.compile_utils import Container

    kinds = (
        layers.Layer,
        losses.Loss,
        optimizers.Optimizer,
        optimizers.legacy.Optimizer,
        callbacks.Callback,
        utils.Sequence,
    )
    return (*kinds, Container, RandomGenerator)


def draw_on(model: Any, number: int) -> None:
    """Advances the random numbers of layers. Those within a TensorFlow function differ each time in any case."""
    for generator in _generators(model):
        if getattr(generator, "_generator", None) is not None:
            generator._generator.skip(number)


def draws_inside(model: Any) -> bool:
    """Whether a layer draws random numbers within compiled functions, where their state can't be restored."""
    return any(getattr(each, "_rng_type", "") == each.RNG_LEGACY_STATEFUL for each in _generators(model))


def _generators(model: Any) -> list[Any]:
    from tf_keras.src.backend import RandomGenerator

    return [
        value
        for layer in model._flatten_layers()
        for value in vars(layer).values()
        if isinstance(value, RandomGenerator)
    ]
