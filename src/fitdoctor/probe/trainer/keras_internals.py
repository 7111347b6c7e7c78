"""Private parts of `fit` behind stable names, for Keras 3 and tf_keras."""

from __future__ import annotations

from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe import backends
from fitdoctor.probe.trainer import tf_keras_internals, tf_keras_state


def callback_list(model: Any, bound: dict[str, Any]) -> Any:
    """The list of callbacks that fit makes, with those that Keras adds."""
    if backends.is_legacy(model):
        from tf_keras.callbacks import CallbackList

        verbose = tf_keras_internals.verbosity(bound["verbose"])
    else:
        from keras.src.callbacks.callback_list import CallbackList

        verbose = bound["verbose"]
    given = bound["callbacks"]
    if isinstance(given, CallbackList):
        return given
    keywords = {"verbose": verbose, "epochs": bound["epochs"], "steps": bound["steps_per_epoch"], "model": model}
    return CallbackList(given, add_history=True, add_progbar=verbose != 0, **keywords)


def split_off(arrays: tuple[Any, ...], share: float) -> tuple[tuple[Any, ...], Any]:
    """Splits fit's `x`, `y` and `sample_weight` into training and validation data, as `validation_split` does."""
    if backends.name() == backends.LEGACY:
        from tf_keras.src.engine import data_adapter as splitting
    else:
        from keras.src.trainers.data_adapters import array_slicing as splitting
    training, validation = splitting.train_validation_split(arrays, validation_split=share)
    return training, validation


def unpacked(data: Any) -> tuple[Any, Any, Any]:
    """The parts of fit's `validation_data`, or of a batch."""
    if backends.name() == backends.LEGACY:
        from tf_keras.src.engine import data_adapter as packing
    else:
        from keras.src.trainers.data_adapters import data_adapter_utils as packing
    x, y, weights = packing.unpack_x_y_sample_weight(data)
    return x, y, weights


def epoch_iterator(model: Any, **keywords: Any) -> Any:
    """The iterator from which Keras 3 draws the batches of an epoch."""
    if backends.name() == "tensorflow":
        keywords["distribute_strategy"] = model.distribute_strategy
    return backends.epoch_iterator()(**keywords)


def evaluation_attribute(model: Any) -> str:
    """The attribute in which fit keeps the iterator of validation passes."""
    return "_eval_data_handler" if backends.is_legacy(model) else "_eval_epoch_iterator"


def evaluation(model: Any, data: tuple[Any, Any, Any], settings: dict[str, Any]) -> Any:
    """The iterator of validation passes, as fit makes it.

    Args:
        model: The model, compiled.
        data: The parts of the validation data.
        settings: Fit's arguments by name.
    """
    if backends.is_legacy(model):
        return tf_keras_internals.evaluation(model, data, settings)
    x, y, weights = data
    return epoch_iterator(
        model,
        x=x,
        y=y,
        sample_weight=weights,
        batch_size=settings["validation_batch_size"] or settings["batch_size"],
        steps_per_execution=model.steps_per_execution,
        steps_per_epoch=settings["validation_steps"],
        shuffle=False,
    )


def setting(model: Any, name: str) -> Any:
    """A setting of `compile` for train and test functions."""
    return tf_keras_internals.setting(model, name) if backends.is_legacy(model) else getattr(model, name)


def put_setting(model: Any, name: str, value: Any) -> None:
    """Changes a setting. Existing functions stay unchanged."""
    if backends.is_legacy(model):
        tf_keras_internals.put_setting(model, name, value)
    else:
        setattr(model, name, value)


def not_tried(model: Any, bound: dict[str, Any], changes: list[Change]) -> str:
    """Why nothing can be tried with these changes, in words, or an empty string.

    Args:
        model: The compiled model.
        bound: Fit's arguments by name.
        changes: Of an arm.
    """
    return tf_keras_internals.not_tried(model, bound, changes) if backends.is_legacy(model) else ""


def unlike_itself(model: Any) -> str:
    """Why two runs of the same steps from the same state may differ, in words, or an empty string."""
    return tf_keras_state.DRAWS_INSIDE if backends.is_legacy(model) and tf_keras_state.draws_inside(model) else ""


def optimizer_variables(model: Any) -> list[Any]:
    """The variables of a model's optimizer."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return []
    return list(tf_keras_state.optimizer_variables(optimizer) if backends.is_legacy(model) else optimizer.variables)


def operations() -> Any:
    """Functions of arrays by the names of `keras.ops`, to inspect the outputs of layers."""
    if backends.name() == backends.LEGACY:
        return tf_keras_internals.operations()
    import keras

    return keras.ops


def set_functions_aside(model: Any) -> None:
    """Makes fit create new functions, if existing ones have a random state of their own, as in tf_keras."""
    if backends.is_legacy(model):
        model.train_function = model.test_function = model.predict_function = None


def draw_on(model: Any, number: int) -> None:
    """Advances the random numbers of layers. The same number gives the same random numbers."""
    if backends.is_legacy(model):
        tf_keras_state.draw_on(model, number)
        return
    for variable in model.variables:
        if "seed_generator" in variable.path:
            variable.assign(variable + number)


def train_as_compiled(model: Any) -> None:
    """Sets which layers are trained, as fit does. tf_keras takes the state when the model was compiled."""
    if backends.is_legacy(model):
        tf_keras_internals.train_as_compiled(model)


def build_optimizer(model: Any) -> None:
    """Builds the optimizer of a built model.

    In tf_keras the first step does so: it knows which weights have gradients.
    """
    if not backends.is_legacy(model) and model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def build(model: Any, batches: Any) -> None:
    """Builds what a first step builds, without training.

    Args:
        model: The model, compiled with an optimizer.
        batches: Gives the input as Keras feeds it to the model.
    """
    if backends.is_legacy(model):
        tf_keras_internals.build(model, batches())
        return
    parts = [model, *model.layers]
    # JAX and PyTorch hand the whole state from step to step, and nothing can be added later.
    if not backends.on_tensorflow():
        parts += filter(None, (model._compile_metrics, model._compile_loss))
    if not all(part.built for part in parts):
        model._symbolic_build(data_batch=next(iter(batches())))
    build_optimizer(model)
