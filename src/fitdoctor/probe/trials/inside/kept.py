"""The state of a model before one looks inside it: weights, statistics, metrics, optimizers and random generators."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.state.model_snapshot import bytes_of, read, variables_of
from fitdoctor.probe.state.random_state import RandomState
from fitdoctor.probe.trials.inside.layers import UnseenError

MOST_BYTES = 512 << 20
"""Of variables, which are held once more for a moment."""


class Kept:
    """Copies of all that a pass through a model may change.

    Args:
        model: The model, built.

    Raises:
        UnseenError: It is too large to be copied.

    Example:
        >>> kept = Kept(model)
        >>> model(x, training=True)
        >>> kept.put_back()
    """

    def __init__(self, model: Any) -> None:
        if bytes_of(model) > MOST_BYTES:
            raise UnseenError("its state is too large to be copied for it")
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
