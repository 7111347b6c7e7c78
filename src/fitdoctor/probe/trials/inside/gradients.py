"""The loss on one batch, and the norm of its gradient by each weight. Nothing is updated."""

from __future__ import annotations

import inspect
import math
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.state.model_snapshot import read
from fitdoctor.probe.trials.inside.batches import Batch
from fitdoctor.probe.trials.inside.layers import LayerOutputs, NotInspectableError, plain
from fitdoctor.recording.model import GradientStatistics

# Of the gradient by each trainable variable; None where the loss does not depend on it.
Norms = list[float | None]


def loss_and_gradients(
    model: Any, batch: Batch, outputs: LayerOutputs
) -> tuple[float | None, list[GradientStatistics]]:
    """Runs a batch forward as a training step does, and the gradient of the model's own loss backward.

    Args:
        model: The model, built.
        batch: Tensors of the backend.
        outputs: Records the layers meanwhile.

    Raises:
        NotInspectableError: The model has a `train_step` of its own, so its loss is not known. The layers are recorded.
    """
    if not _is_keras(type(model).train_step):
        with outputs.recorded():
            model(batch[0])
        raise NotInspectableError("its train_step is its own, so the gradients of its loss are not known")
    loss, norms = (
        _on_tensorflow if backends.on_tensorflow() else {"jax": _on_jax, "torch": _on_torch}[backends.name()]
    )(model, batch, outputs)
    return plain(loss), _gradient_statistics(model, norms)


def _is_keras(function: Any) -> bool:
    return str(getattr(inspect.unwrap(function), "__module__", "")).partition(".")[0] in ("keras", "tf_keras")


def _forward(model: Any, batch: Batch) -> Any:
    """The loss, as `train_step` computes it."""
    x, y, sample_weight = batch
    if backends.is_legacy(model):
        predicted = model(x, training=True) if model._expects_training_arg else model(x)
        return model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=sample_weight)
    predicted = model(x, training=True) if model._call_has_training_arg else model(x)
    return model.compute_loss(x=x, y=y, y_pred=predicted, sample_weight=sample_weight, training=True)


def _on_tensorflow(model: Any, batch: Batch, outputs: LayerOutputs) -> tuple[float, Norms]:
    import tensorflow as tf

    with outputs.recorded(), tf.GradientTape() as tape:
        loss = _forward(model, batch)
    gradients = tape.gradient(loss, model.trainable_weights)
    return float(loss), [None if each is None else float(tf.linalg.global_norm([each])) for each in gradients]


def _on_jax(model: Any, batch: Batch, outputs: LayerOutputs) -> tuple[float, Norms]:
    import jax
    import jax.numpy as jnp

    def compute(trainable: Any, others: Any, metrics: Any, optimizer: Any, x: Any, y: Any, sample_weight: Any) -> Any:
        def loss_of(trainable: Any) -> Any:
            with outputs.recorded():
                _, (loss, *_) = model.compute_loss_and_updates(
                    trainable, others, metrics, x, y, sample_weight, training=True, optimizer_variables=optimizer
                )
            return loss, outputs.values

        (loss, values), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        return loss, values, [jnp.sqrt(jnp.sum(jnp.square(each.astype("float32")))) for each in gradients]

    def values(variables: Any) -> list[Any]:
        return [variable.value for variable in variables]

    state = (
        model.trainable_variables,
        model.non_trainable_variables,
        model.metrics_variables,
        model.optimizer.variables,
    )
    try:
        loss, outputs.values, norms = jax.jit(compute)(*map(values, state), *batch)
    except BaseException:
        outputs.values = {}  # tensors of a function that was traced and never ran
        raise
    return float(loss), [float(each) for each in norms]


def _on_torch(model: Any, batch: Batch, outputs: LayerOutputs) -> tuple[float, Norms]:
    tensors = [variable.value for variable in model.trainable_weights]
    before = [tensor.grad for tensor in tensors]
    for tensor in tensors:
        tensor.grad = None
    try:
        with outputs.recorded():
            loss = _forward(model, batch)
        loss.backward()
        return float(loss.detach()), [
            None if each.grad is None else float(each.grad.detach().float().norm()) for each in tensors
        ]
    finally:
        for tensor, gradient in zip(tensors, before, strict=True):
            tensor.grad = gradient


def _gradient_statistics(model: Any, norms: Norms) -> list[GradientStatistics]:
    import numpy as np

    own = "_trainable_weights" if backends.is_legacy(model) else "_trainable_variables"
    holders = {id(variable): layer for layer in model._flatten_layers() for variable in getattr(layer, own)}
    found = []
    for variable, norm in zip(model.trainable_weights, norms, strict=True):
        layer = holders.get(id(variable))
        values = np.asarray(read(variable), dtype=np.float64)
        found.append(
            GradientStatistics(
                name=str(getattr(variable, "path", variable.name)),
                layer=str(getattr(layer, "path", None) or getattr(layer, "name", "")),
                size=math.prod(int(size) for size in variable.shape),
                norm=plain(float(np.linalg.norm(values.reshape(-1)))),
                gradient=None if norm is None else plain(norm),
                connected=norm is not None,
            )
        )
    return found
