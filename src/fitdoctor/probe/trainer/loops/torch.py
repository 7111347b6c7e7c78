"""Keras 3 on PyTorch: the loop draws the batches, and sets the modules to training or evaluation."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Loop:
    """Runs steps on PyTorch: see the package.

    Args:
        model: The model.
        kind: "train" or "test".
    """

    ENDS: tuple[type[Exception], ...] = (StopIteration,)

    def __init__(self, model: Any, kind: str) -> None:
        self._model, self._trains = model, kind == "train"
        self._mode_set = False

    def step(self, function: Any, iterator: Any) -> Any:
        if not self._mode_set:
            self._mode_set = True
            self._model.train(self._trains)
        return function([next(iterator)])

    def wait(self) -> None:
        cuda = sys.modules["torch"].cuda
        if cuda.is_initialized():
            cuda.synchronize()

    def rest(self) -> None:
        if self._mode_set:
            self._mode_set = False
            self._model.eval()

    def fresh_functions(self) -> AbstractContextManager[None]:
        return nullcontext()
