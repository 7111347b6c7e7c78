"""What fit is made of in tf_keras, for trials: its input, its callbacks, its validation passes, its settings and its state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from fitdoctor.changes.model import WORKER_ARGUMENTS

DRAWS_INSIDE = "layers such as Dropout draw random numbers within TensorFlow, which nobody can put back, so weights can't be compared"
AUTOTUNED = "steps_per_execution=“auto” changes how it runs while it trains, so that no two of its stretches can be compared"


def dataset(model: Any, x: Any, settings: dict[str, Any]) -> Any:
    """The dataset of one epoch that fit makes of an input.

    Args:
        model: The model. A Python input builds it, as fit does.
        x: The input.
        settings: Fit's other arguments by name.
    """
    from tf_keras.src.engine import data_adapter

    kind = data_adapter.select_data_adapter(x, settings["y"])
    if kind is data_adapter.KerasSequenceAdapter:
        kind = _ended_with_its_iterator(kind)
    adapter = kind(
        x,
        settings["y"],
        sample_weights=settings["sample_weight"],
        batch_size=settings["batch_size"],
        steps=settings["steps_per_epoch"],
        epochs=1,
        shuffle=settings["shuffle"],
        model=model,
        **{name: settings[name] for name in WORKER_ARGUMENTS if name in settings},
    )
    made = adapter.get_dataset()
    if adapter.should_recreate_iterator() and adapter.get_size() is not None:
        made = made.take(adapter.get_size())  # the queue of a `Sequence` never ends: fit counts its batches
    weights = settings["class_weight"]
    return made.map(data_adapter._make_class_weight_map_fn(weights)) if weights else made


def _ended_with_its_iterator(adapter: Any) -> Any:
    """The adapter of a `Sequence`, with workers that end when nobody draws from them any more: fit ends them with an epoch."""

    class Ended(adapter):  # type: ignore[misc]
        _enqueuer: Any

        def _handle_multiprocessing(self, *arguments: Any, **keywords: Any) -> Any:
            begun = super()._handle_multiprocessing(*arguments, **keywords)

            def batches() -> Iterator[Any]:
                given = begun()
                workers, self._enqueuer = self._enqueuer, None
                try:
                    yield from given
                finally:
                    if workers is not None:
                        workers.stop()

            return batches

    return Ended


def evaluation(model: Any, data: tuple[Any, Any, Any], settings: dict[str, Any]) -> Any:
    """What fit keeps of its validation data from one pass to the next."""
    from tf_keras.src.engine import data_adapter

    x, y, weights = data
    return data_adapter.get_data_handler(
        x=x,
        y=y,
        sample_weight=weights,
        batch_size=settings["validation_batch_size"] or settings["batch_size"],
        steps_per_epoch=settings["validation_steps"],
        initial_epoch=0,
        epochs=1,
        model=model,
        steps_per_execution=model._steps_per_execution,
        **{name: settings[name] for name in WORKER_ARGUMENTS if name in settings},
    )


def verbosity(verbose: Any) -> Any:
    """What fit makes of `verbose`."""
    import tensorflow as tf
    from tf_keras.src.engine.training import _get_verbosity

    return _get_verbosity(verbose, tf.distribute.get_strategy())


def setting(model: Any, name: str) -> Any:
    """What `compile` was given: the public attributes are variables, or hold what else plays a part."""
    if name == "steps_per_execution":
        return 1 if model._steps_per_execution is None else int(model._steps_per_execution.numpy())
    return getattr(model, f"_{name}")


def put_setting(model: Any, name: str, value: Any) -> None:
    """Sets it, and leaves the functions alone that were made before.

    Raises:
        ValueError: The model can't run so.
    """
    if name == "run_eagerly" and value is False and model.dynamic:
        raise ValueError("the model has layers that can only run eagerly")
    if name == "steps_per_execution":
        model.steps_per_execution = value
    else:
        setattr(model, f"_{name}", value)


def train_as_compiled(model: Any) -> None:
    """Sets which layers are trained to what it was when the model was compiled, which is what fit goes by."""
    then, now = model._compiled_trainable_state, model._get_trainable_state()
    if any(now.get(layer, trainable) != trainable for layer, trainable in then.items()):
        model._set_trainable_state(then)


def build(model: Any, batches: Any) -> None:
    """Builds what a first step builds: layers, metrics, and what the optimizer keeps of each weight. Nothing is trained by it.

    Args:
        model: The model, compiled.
        batches: A dataset.
    """
    import tensorflow as tf

    def step(iterator: Any) -> Any:
        return model.train_step(next(iterator))

    tf.function(step).get_concrete_function(iter(batches))


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
    return [*(each for each in kept if isinstance(each, tf.Variable)), *(optimizer_variables(inner) if inner is not None else ())]


def keep_metrics(compiled: Any, kept: list[str]) -> Callable[[], None]:
    """Leaves out all metrics but those with the given names, and returns what puts the others back.

    Args:
        compiled: What holds the metrics of a model, built.
        kept: The names.
    """
    names = ("_metrics", "_weighted_metrics")
    before = {name: vars(compiled)[name] for name in (*names, "_metrics_in_order")}
    fewer = {name: [[metric for metric in each if metric is not None and metric.name in kept] for each in before[name]] for name in names}
    vars(compiled).update(fewer, _metrics_in_order=[metric for metric in before["_metrics_in_order"] if metric.name in kept])
    return partial(vars(compiled).update, before)


def as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that TensorFlow runs as it is where it is called while a step is traced."""
    import tensorflow as tf

    made: Callable[..., Any] = tf.autograph.experimental.do_not_convert(function)
    return made


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

    kinds = (layers.Layer, losses.Loss, optimizers.Optimizer, optimizers.legacy.Optimizer, callbacks.Callback, utils.Sequence)
    return (*kinds, Container, RandomGenerator)


def draw_on(model: Any, number: int) -> None:
    """Lets the layers draw other random numbers. Those that TensorFlow keeps within a function are others each time in any case."""
    for generator in _generators(model):
        if getattr(generator, "_generator", None) is not None:
            generator._generator.skip(number)


def operations() -> Any:
    """Some of TensorFlow's functions by the names that they have in `keras.ops`."""
    import tensorflow as tf

    return SimpleNamespace(
        all=tf.reduce_all,
        cast=tf.cast,
        convert_to_tensor=tf.convert_to_tensor,
        isfinite=tf.math.is_finite,
        logical_not=tf.logical_not,
        logical_or=tf.logical_or,
        mean=tf.reduce_mean,
        std=tf.math.reduce_std,
        stop_gradient=tf.stop_gradient,
    )


def draws_inside(model: Any) -> bool:
    """Whether a layer draws random numbers whose state TensorFlow keeps within each compiled function, where nobody can put it back."""
    return any(getattr(each, "_rng_type", "") == each.RNG_LEGACY_STATEFUL for each in _generators(model))


def _generators(model: Any) -> list[Any]:
    from tf_keras.src.backend import RandomGenerator

    return [value for layer in model._flatten_layers() for value in vars(layer).values() if isinstance(value, RandomGenerator)]
