"""Keras 3 on TensorFlow: the compiled function draws from the iterator and keeps the state."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Loop:
    """Runs steps on TensorFlow: see the package.

    Args:
        model: The model.
        kind: "train" or "test".
    """

    def __init__(self, model: Any, kind: str) -> None:
        from tensorflow.python.eager import context
        from tensorflow.python.framework import errors

        self._wait = context.async_wait
        # An iterator converts the former to the latter.
        self.ENDS: tuple[type[Exception], ...] = (errors.OutOfRangeError, StopIteration)

    def step(self, function: Any, iterator: Any) -> Any:
        return function(iterator)

    def wait(self) -> None:
        self._wait()

    def rest(self) -> None:
        self._wait()

    def fresh_functions(self) -> AbstractContextManager[None]:
        return nullcontext()
