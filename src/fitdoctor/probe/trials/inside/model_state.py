"""The state of a model before an inspection: weights, statistics, metrics, optimizers and random generators."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.state.model_snapshot import bytes_of, read, variables_of
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trials.inside.layers import NotInspectableError

# Of variables, which are copied for a moment.
MOST_BYTES = 512 << 20


class ModelState:
    """Copies of all that a pass through a model may change.

    Args:
        model: The model, built.

    Raises:
        NotInspectableError: It is too large to be copied.

    Example:
        >>> state = ModelState(model)
        >>> model(x, training=True)
        >>> state.restore()
    """

    def __init__(self, model: Any) -> None:
        if bytes_of(model) > MOST_BYTES:
            raise NotInspectableError("its state is too large to be copied for it")
        self._variables = variables_of(model)
        self._values = [read(variable).copy() for variable in self._variables]
        self._buffers = [(buffer, buffer.clone()) for buffer in model.buffers()] if backends.name() == "torch" else []
        self._random = RandomState()

    def restore(self) -> None:
        """Assigns what has changed, bit for bit."""
        for variable, value in zip(self._variables, self._values, strict=True):
            if read(variable).tobytes() != value.tobytes():
                variable.assign(value)
        for buffer, value in self._buffers:
            buffer.data.copy_(value)
        self._random.restore()
