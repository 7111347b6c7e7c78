"""tf_keras (Keras 2): its compiled functions work like those of Keras 3 on TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fitdoctor.probe.trainer.loops import tensorflow


class Loop(tensorflow.Loop):
    """Runs steps of tf_keras: see the package.

    Args:
        model: The model.
        kind: "train" or "test".
    """

    def __init__(self, model: Any, kind: str) -> None:
        super().__init__(model, kind)
        self._model = model

    @contextmanager
    def fresh_functions(self) -> Iterator[None]:
        """Keeps the script's own function as the last one, whose graph `TensorBoard` writes."""
        before = getattr(self._model, "train_tf_function", None)
        try:
            yield
        finally:
            self._model.train_tf_function = before
