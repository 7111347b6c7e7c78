"""Private parts of `fit` in tf_keras, for trials: input, validation passes, settings and metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

from fitdoctor.changes.model import WORKER_ARGUMENTS, Change, SetArgument
from fitdoctor.probe.inputs import kinds

UNCOUNTED = (
    "tf_keras takes several steps per execution only if fit knows the number of steps "
    "of an epoch and of a validation pass"
)
AUTOTUNED = (
    "steps_per_execution=“auto” changes how it runs while it trains, so that no two of its stretches can be compared"
)


def dataset(model: Any, x: Any, settings: dict[str, Any]) -> Any:
    """The dataset of one epoch, as fit makes it of an input.

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
        made = made.take(adapter.get_size())  # the queue of a `Sequence` never ends, fit counts its batches
    weights = settings["class_weight"]
    return made.map(data_adapter._make_class_weight_map_fn(weights)) if weights else made


def _ended_with_its_iterator(adapter: Any) -> Any:
    """The adapter of a `Sequence` whose workers end with the iterator. In fit they end with the epoch."""

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
    """The iterator of validation passes, as fit makes and keeps it."""
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
    """Converts `verbose` as fit does."""
    import tensorflow as tf
    from tf_keras.src.engine.training import _get_verbosity

    return _get_verbosity(verbose, tf.distribute.get_strategy())


def setting(model: Any, name: str) -> Any:
    """A setting of `compile`. The public attributes are variables, or depend on other settings too."""
    if name == "steps_per_execution":
        return 1 if model._steps_per_execution is None else int(model._steps_per_execution.numpy())
    return getattr(model, f"_{name}")


def put_setting(model: Any, name: str, value: Any) -> None:
    """Changes a setting. Existing functions stay unchanged.

    Raises:
        ValueError: The model can't run with it.
    """
    if name == "run_eagerly" and value is False and model.dynamic:
        raise ValueError("the model has layers that can only run eagerly")
    if name == "steps_per_execution":
        model.steps_per_execution = value
    else:
        setattr(model, f"_{name}", value)


def train_as_compiled(model: Any) -> None:
    """Sets which layers are trained to the state when the model was compiled, as fit does."""
    then, now = model._compiled_trainable_state, model._get_trainable_state()
    if any(now.get(layer, trainable) != trainable for layer, trainable in then.items()):
        model._set_trainable_state(then)


def not_tried(model: Any, bound: dict[str, Any], changes: list[Change]) -> str:
    """Why nothing can be tried with these changes, in words, or an empty string."""
    if model.autotune_steps_per_execution:
        return AUTOTUNED
    at_once = [
        change.value
        for change in changes
        if isinstance(change, SetArgument) and change.argument == "steps_per_execution"
    ]
    return UNCOUNTED if any(value > 1 for value in at_once) and not _are_counted(bound) else ""


def _are_counted(bound: dict[str, Any]) -> bool:
    """Whether fit knows the number of steps of an epoch and of a validation pass in advance."""
    steps, size = bound["steps_per_epoch"], bound["batch_size"]
    if kinds.steps_of(bound["x"], size, steps) is None:
        return False
    data = bound["validation_data"]
    x = data[0] if isinstance(data, (tuple, list)) else data
    return (
        data is None or kinds.steps_of(x, bound["validation_batch_size"] or size, bound["validation_steps"]) is not None
    )


def build(model: Any, batches: Any) -> None:
    """Builds what a first step builds, without training: layers, metrics, and the optimizer's variables.

    Args:
        model: The compiled model.
        batches: A dataset.
    """
    import tensorflow as tf

    def step(iterator: Any) -> Any:
        return model.train_step(next(iterator))

    tf.function(step).get_concrete_function(iter(batches))


def keep_metrics(compiled: Any, kept: list[str]) -> Callable[[], None]:
    """Leaves out all metrics except those with the given names. The result restores the others.

    Args:
        compiled: The built container of a model's metrics.
        kept: The names.
    """
    names = ("_metrics", "_weighted_metrics")
    before = {name: vars(compiled)[name] for name in (*names, "_metrics_in_order")}
    fewer = {
        name: [[metric for metric in each if metric is not None and metric.name in kept] for each in before[name]]
        for name in names
    }
    vars(compiled).update(
        fewer, _metrics_in_order=[metric for metric in before["_metrics_in_order"] if metric.name in kept]
    )
    return partial(vars(compiled).update, before)


def unconverted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that TensorFlow calls without rewriting it, while it traces a step."""
    import tensorflow as tf

    made: Callable[..., Any] = tf.autograph.experimental.do_not_convert(function)
    return made


def operations() -> Any:
    """Functions of TensorFlow by their names in `keras.ops`."""
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
