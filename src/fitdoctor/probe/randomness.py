"""The state of every random generator that belongs to the whole process: Python's, NumPy's, TensorFlow's and Keras'."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np


class RandomState:
    """The state as it is now.

    Example:
        >>> before = RandomState()
        >>> model.fit(x, y)
        >>> before.put_back()
    """

    def __init__(self) -> None:
        self._steps: list[Callable[[], Any]] = [
            partial(random.setstate, random.getstate()),
            partial(np.random.set_state, np.random.get_state()),
        ]
        self._keep_tensorflows()
        self._keep_keras()

    def put_back(self) -> None:
        """Lets every generator go on from where it was."""
        for step in self._steps:
            step()

    @staticmethod
    def fingerprints() -> dict[str, str]:
        """A short text for each generator of TensorFlow and Keras as it is now."""
        from keras.src.backend.common import global_state
        from tensorflow.python.eager import context

        process = context.context()
        generator = getattr(process, "_rng", None)
        seeds = global_state.get_global_attribute("global_seed_generator")
        return {
            "TensorFlow's random generator": f"{process._seed} {hash(generator.getstate()) if generator is not None else None}",
            "Keras' seed generator": str(None if seeds is None else np.asarray(seeds.state).tolist()),
        }

    def _keep_tensorflows(self) -> None:
        from tensorflow.python.eager import context
        from tensorflow.python.ops import stateful_random_ops

        process = context.context()
        generator = getattr(process, "_rng", None)  # seeds of operations come from here once a global seed was set
        self._steps += [partial(setattr, process, "_seed", process._seed), partial(setattr, process, "_rng", generator)]
        if generator is not None:
            self._steps.append(partial(generator.setstate, generator.getstate()))
        if stateful_random_ops.global_generator is not None:
            variable = stateful_random_ops.global_generator.state
            self._steps.append(partial(variable.assign, variable.numpy()))

    def _keep_keras(self) -> None:
        from keras.src.backend.common import global_state

        names = global_state.get_global_attribute("object_name_uids")  # layers made later are numbered on from these
        if names is not None:
            self._steps.append(partial(_restore_counts, names, dict(names)))
        generator = global_state.get_global_attribute("global_seed_generator")
        for name in ("global_seed_generator", "global_random_seed"):
            self._steps.append(partial(global_state.set_global_attribute, name, global_state.get_global_attribute(name)))
        if generator is not None:
            self._steps.append(partial(generator.state.assign, np.asarray(generator.state).copy()))


def _restore_counts(names: Any, saved: dict[Any, Any]) -> None:
    names.clear()
    names.update(saved)
