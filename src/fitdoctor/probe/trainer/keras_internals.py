"""What fit is made of inside, by what each Keras calls it: for those who step a model as fit does."""

from __future__ import annotations

from typing import Any

from fitdoctor.changes.model import Change
from fitdoctor.probe import backends
from fitdoctor.probe.trainer import tf_keras_internals, tf_keras_state


def callback_list(model: Any, bound: dict[str, Any]) -> Any:
    """The callbacks of a fit with those that Keras adds, as fit makes a list of them."""
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
    """What `validation_split` makes of fit's `x`, `y` and `sample_weight`:

    those to train with, and the validation data.
    """
    if backends.name() == backends.LEGACY:
        from tf_keras.src.engine import data_adapter as splitting
    else:
        from keras.src.trainers.data_adapters import array_slicing as splitting
    training, validation = splitting.train_validation_split(arrays, validation_split=share)
    return training, validation


def unpacked(data: Any) -> tuple[Any, Any, Any]:
    """Fit's `validation_data`, or a batch, in its parts."""
    if backends.name() == backends.LEGACY:
        from tf_keras.src.engine import data_adapter as packing
    else:
        from keras.src.trainers.data_adapters import data_adapter_utils as packing
    x, y, weights = packing.unpack_x_y_sample_weight(data)
    return x, y, weights


def epoch_iterator(model: Any, **keywords: Any) -> Any:
    """What Keras 3 draws the batches of an epoch from, made from arguments of its own."""
    if backends.name() == "tensorflow":
        keywords["distribute_strategy"] = model.distribute_strategy
    return backends.epoch_iterator()(**keywords)


def kept_evaluation(model: Any) -> str:
    """The attribute in which fit keeps what validation passes draw from."""
    return "_eval_data_handler" if backends.is_legacy(model) else "_eval_epoch_iterator"


def evaluation(model: Any, data: tuple[Any, Any, Any], settings: dict[str, Any]) -> Any:
    """What goes there.

    Args:
        model: The model, compiled.
        data: The validation data in its parts.
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
    """One of those that `compile` was given for the functions that it makes."""
    return tf_keras_internals.setting(model, name) if backends.is_legacy(model) else getattr(model, name)


def put_setting(model: Any, name: str, value: Any) -> None:
    """Sets it. Functions that were made before stay as they are."""
    if backends.is_legacy(model):
        tf_keras_internals.put_setting(model, name, value)
    else:
        setattr(model, name, value)


def not_tried(model: Any, bound: dict[str, Any], changes: list[Change]) -> str:
    """Why nothing can be tried with these changes, in words; empty where it can.

    Args:
        model: The model, as it was compiled.
        bound: Fit's arguments by name.
        changes: Of an arm.
    """
    return tf_keras_internals.not_tried(model, bound, changes) if backends.is_legacy(model) else ""


def unlike_itself(model: Any) -> str:
    """Why two runs of the same steps from the same state may differ here, in words; empty where they need not."""
    return tf_keras_state.DRAWS_INSIDE if backends.is_legacy(model) and tf_keras_state.draws_inside(model) else ""


def optimizer_variables(model: Any) -> list[Any]:
    """What the optimizer of a model keeps."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is None:
        return []
    return list(tf_keras_state.optimizer_variables(optimizer) if backends.is_legacy(model) else optimizer.variables)


def operations() -> Any:
    """Functions of arrays, by the names of `keras.ops`, for looking at what layers put out."""
    if backends.name() == backends.LEGACY:
        return tf_keras_internals.operations()
    import keras

    return keras.ops


def set_functions_aside(model: Any) -> None:
    """Lets fit make its functions anew where those that there are hold a state of their own:

    in tf_keras, that of what they draw.
    """
    if backends.is_legacy(model):
        model.train_function = model.test_function = model.predict_function = None


def draw_on(model: Any, number: int) -> None:
    """Lets the layers draw other random numbers than from where they are: the same ones for the same number."""
    if backends.is_legacy(model):
        tf_keras_state.draw_on(model, number)
        return
    for variable in model.variables:
        if "seed_generator" in variable.path:
            variable.assign(variable + number)


def train_as_compiled(model: Any) -> None:
    """Sets which layers are trained as fit does: in tf_keras, those that were to be when the model was compiled."""
    if backends.is_legacy(model):
        tf_keras_internals.train_as_compiled(model)


def build_optimizer(model: Any) -> None:
    """Builds the optimizer of a model that is built.

    That of tf_keras is left to a step, which knows what weights have gradients.
    """
    if not backends.is_legacy(model) and model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)


def build(model: Any, batches: Any) -> None:
    """Builds what a first step would build, and trains nothing.

    Args:
        model: The model, compiled with an optimizer.
        batches: Gives the input as Keras feeds it.
    """
    if backends.is_legacy(model):
        tf_keras_internals.build(model, batches())
        return
    parts = [model, *model.layers]
    if (
        not backends.on_tensorflow()
    ):  # there a state of all of it is handed from step to step, and none can be added on the way
        parts += filter(None, (model._compile_metrics, model._compile_loss))
    if not all(part.built for part in parts):
        model._symbolic_build(data_batch=next(iter(batches())))
    build_optimizer(model)
