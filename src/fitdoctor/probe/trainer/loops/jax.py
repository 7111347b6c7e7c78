"""Keras 3 on JAX: steps hand the state on, and the model gets it back after the loop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# The parts of the state that a function takes and returns, in this order.
STATE = {
    "train": ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"),
    "test": ("trainable_variables", "non_trainable_variables", "metrics_variables"),
}


class Loop:
    """Runs steps on JAX: see the package.

    Args:
        model: The model.
        kind: "train" or "test".
    """

    ENDS: tuple[type[Exception], ...] = (StopIteration,)

    def __init__(self, model: Any, kind: str) -> None:
        self._model, self._kind, self._parts = model, kind, STATE[kind]
        self._state: Any = None

    def step(self, function: Any, iterator: Any) -> Any:
        model = self._model
        if self._state is None or model._jax_state_synced:  # a callback may have asked for the state in between
            self._state = model._get_jax_state(**dict.fromkeys(self._parts, True), purge_model_variables=True)
            self._hand_over()
            model._jax_state_synced = False
        logs, self._state = function(self._state, iterator)
        self._hand_over()
        return logs

    def _hand_over(self) -> None:
        self._model._jax_state = dict(zip(self._parts, self._state, strict=True))

    def wait(self) -> None:
        import jax

        if self._state is not None:
            jax.block_until_ready(self._state)

    def rest(self) -> None:
        if self._state is None:
            return
        self._state = None
        self._model.jax_state_sync()
        self._model._jax_state = None

    @contextmanager
    def fresh_functions(self) -> Iterator[None]:
        """Makes JAX trace the step again: it would reuse the trace of a method of the same model."""
        name = f"{self._kind}_step"
        step = getattr(self._model, name)
        own = vars(self._model).get(name)

        def another(state: Any, data: Any) -> Any:
            return step(state, data)

        object.__setattr__(self._model, name, another)
        try:
            yield
        finally:
            if own is None:
                object.__delattr__(self._model, name)
            else:
                object.__setattr__(self._model, name, own)
