"""Keras 3 on PyTorch: the loop draws the batches, and tells the modules whether they are trained."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any


class Loop:
    """See the package.

    Args:
        model: The model.
        kind: "train" or "test".
    """

    ENDS: tuple[type[Exception], ...] = (StopIteration,)

    def __init__(self, model: Any, kind: str) -> None:
        self._model, self._trains = model, kind == "train"
        self._told = False

    def step(self, function: Any, iterator: Any) -> Any:
        if not self._told:
            self._told = True
            self._model.train(self._trains)
        return function([next(iterator)])

    def wait(self) -> None:
        cuda = sys.modules["torch"].cuda
        if cuda.is_initialized():
            cuda.synchronize()

    def rest(self) -> None:
        if self._told:
            self._told = False
            self._model.eval()

    def anew(self) -> AbstractContextManager[None]:
        return nullcontext()
