"""What one real batch does inside a model: its loss, the gradient by each weight, and what each layer puts out.

For rehearsals, where it may compute. What it changes is put back, see `kept`.
"""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.inputs import nests
from fitdoctor.probe.observe import input_statistics
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.trials.inside import batches, gradients
from fitdoctor.probe.trials.inside.kept import Kept
from fitdoctor.probe.trials.inside.layers import Outputs, UnseenError
from fitdoctor.recording.model import InputArray, ModelInspection
from fitdoctor.recording.plain import LONGEST_MESSAGE


def look(model: Any, bound: dict[str, Any], *, rows: int, seconds: float) -> ModelInspection:
    """Takes one batch through a model and back, as a step does up to the update of the weights.

    Args:
        model: The model, compiled. It is built here where it was not, as fit would build it.
        bound: Fit's arguments by name. One batch is drawn from an input that is not in memory.
        rows: Most rows of the batch.
        seconds: After so long no other layer is begun.

    Example:
        >>> look(model, bound, rows=64, seconds=3.0).gradients[0].gradient
        0.25
    """
    began_s, found = time.perf_counter(), ModelInspection()
    try:
        _look(found, model, bound, rows, began_s + seconds)
    except Exception as error:  # whatever a stranger's model makes of our questions
        why = (
            str(error) if isinstance(error, UnseenError) else f"{type(error).__name__}: {str(error)[:LONGEST_MESSAGE]}"
        )
        found.missing = f"The inside of the model was not seen in full: {why}."
    found.seconds = time.perf_counter() - began_s
    return found


def _look(found: ModelInspection, model: Any, bound: dict[str, Any], rows: int, until_s: float) -> None:
    chance = RandomState()
    try:
        batch = batches.drawn(bound, rows)
    finally:
        chance.restore()
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
        raise UnseenError("it is built by its first step only")
    kept = Kept(model)
    outputs = Outputs(model, until_s)
    try:
        found.loss, found.gradients = gradients.of(model, batches.as_fed(batch), outputs)
    finally:
        found.layers = outputs.looks()
        if backends.is_legacy(model):
            model.reset_metrics()  # those that the loss made, which are not among what is put back
        kept.restore()
