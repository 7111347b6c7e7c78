"""Inspects a model with one real batch: its loss, the gradient of each weight, and the output of each layer.

Only rehearsals do this, since it computes. `model_state` restores what it changes.
"""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import nests
from fitdoctor.probe.observe import input_statistics
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trials.inside import batches, gradients
from fitdoctor.probe.trials.inside.layers import LayerOutputs, NotInspectableError
from fitdoctor.probe.trials.inside.model_state import ModelState
from fitdoctor.recording.model import InputArray, ModelInspection
from fitdoctor.recording.plain import LONGEST_MESSAGE


def inspect_model(model: Any, bound: dict[str, Any], *, rows: int, seconds: float) -> ModelInspection:
    """Runs one batch forward and backward through a model, as a step does before it updates the weights.

    Args:
        model: The model, compiled. A model that is not built is built as fit builds it.
        bound: Fit's arguments by name. One batch is drawn from an input that is not in memory.
        rows: Most rows of the batch.
        seconds: After so long no other layer is begun.

    Example:
        >>> inspect_model(model, bound, rows=64, seconds=3.0).gradients[0].gradient
        0.25
    """
    began_s, found = time.perf_counter(), ModelInspection()
    try:
        _inspect(found, model, bound, rows, began_s + seconds)
    except Exception as error:  # an unknown model may fail in any way
        why = (
            str(error)
            if isinstance(error, NotInspectableError)
            else f"{type(error).__name__}: {str(error)[:LONGEST_MESSAGE]}"
        )
        found.missing = f"The model could not be inspected in full: {why}."
    found.seconds = time.perf_counter() - began_s
    return found


def _inspect(found: ModelInspection, model: Any, bound: dict[str, Any], rows: int, until_s: float) -> None:
    random_state = RandomState()
    try:
        batch = batches.drawn(bound, rows)
    finally:
        random_state.restore()
    for argument, given in zip(input_statistics.ARGUMENTS, batch, strict=True):
        for name, values in nests.named_leaves(given, argument):
            shape = [None, *values.shape[1:]]
            part = InputArray(
                name=name,
                container="batch",
                dtype=str(values.dtype),
                shape=shape,
                spread=input_statistics.statistics_of(values),
            )
            found.inputs.append(part)
            found.rows = int(values.shape[0])
    if not backends.is_legacy(model):
        model._symbolic_build(data_batch=batch)
    if not model.built:
        raise NotInspectableError("it is built by its first step only")
    state = ModelState(model)
    outputs = LayerOutputs(model, until_s)
    try:
        found.loss, found.gradients = gradients.loss_and_gradients(model, batches.as_fed(batch), outputs)
    finally:
        found.layers = outputs.statistics()
        if backends.is_legacy(model):
            model.reset_metrics()  # the loss made them, so the kept state does not hold them
        state.restore()
