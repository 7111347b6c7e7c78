"""What a model of tf_keras and its process keep from step to step: variables, and where random numbers come from."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

DRAWS_INSIDE = "layers such as Dropout draw random numbers within TensorFlow, which nobody can put back, so weights can't be compared"


def variables_of(model: Any) -> list[Any]:
    """Every variable that training may change, some more than once."""
    import tensorflow as tf

    found = [*model.variables, *(variable for metric in model.metrics for variable in metric.variables)]
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            found += _variables_in(value, tf)
    steps = model._steps_per_execution  # a setting, and no state
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
    """What an optimizer keeps, its learning rate and that of an inner one included; some may be there more than once."""
    import tensorflow as tf

    kept = [*optimizer.variables(), *vars(optimizer).values(), *getattr(optimizer, "_hyper", {}).values()]
    inner = getattr(optimizer, "_optimizer", None)
    return [
        *(each for each in kept if isinstance(each, tf.Variable)),
        *(optimizer_variables(inner) if inner is not None else ()),
    ]


def seeds() -> str:
    """A short text for the generator of seeds as it is now."""
    from tf_keras.src import backend

    generator = getattr(backend._SEED_GENERATOR, "generator", None)
    return str(None if generator is None else hash(generator.getstate()))


def random_state() -> list[Callable[[], Any]]:
    """What puts the generator of seeds back, and the numbers that layers made later are named by."""
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


def followed() -> tuple[type, ...]:
    """What has a state of its own, for who remembers it."""
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
    """Lets the layers draw other random numbers.

    Those that TensorFlow keeps within a function are others each time in any case.
    """
    for generator in _generators(model):
        if getattr(generator, "_generator", None) is not None:
            generator._generator.skip(number)


def draws_inside(model: Any) -> bool:
    """Whether a layer draws random numbers whose state TensorFlow keeps within each compiled function, where nobody can
    put it back.
    """
    return any(getattr(each, "_rng_type", "") == each.RNG_LEGACY_STATEFUL for each in _generators(model))


def _generators(model: Any) -> list[Any]:
    from tf_keras.src.backend import RandomGenerator

    return [
        value
        for layer in model._flatten_layers()
        for value in vars(layer).values()
        if isinstance(value, RandomGenerator)
    ]
