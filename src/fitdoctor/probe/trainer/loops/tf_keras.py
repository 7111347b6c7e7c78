"""tf_keras, which is Keras 2: its compiled functions draw and keep as those of Keras 3 on TensorFlow do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fitdoctor.probe.trainer.loops import tensorflow


class Loop(tensorflow.Loop):
    """See the package.

    Args:
        model: The model.
        kind: "train" or "test".
    """

    def __init__(self, model: Any, kind: str) -> None:
        super().__init__(model, kind)
        self._model = model

    @contextmanager
    def anew(self) -> Iterator[None]:
        """`TensorBoard` writes the graph of the function that was made last: that stays the script's own."""
        before = getattr(self._model, "train_tf_function", None)
        try:
            yield
        finally:
            self._model.train_tf_function = before
