"""Keeps and restores all random generators of the process: Python's, NumPy's, Keras' and the frameworks'."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from fitdoctor.probe import backends
from fitdoctor.probe.state.model_snapshot import read
from fitdoctor.probe.trainer import tf_keras_state


class RandomState:
    """The current state of the random generators.

    Example:
        >>> before = RandomState()
        >>> model.fit(x, y)
        >>> before.restore()
    """

    def __init__(self) -> None:
        self._restores: list[Callable[[], Any]] = [
            partial(random.setstate, random.getstate()),
            partial(np.random.set_state, np.random.get_state()),
        ]
        self._keep_tensorflow()
        self._keep_torch()
        self._keep_keras()

    def restore(self) -> None:
        """Restores every generator."""
        for restore in self._restores:
            restore()

    @staticmethod
    def fingerprints() -> dict[str, str]:
        """The current state of each generator of Keras and the frameworks, as a short text."""
        found = {"Keras' seed generator": _seeds_of_keras()}
        if (process := _tensorflow_context()) is not None:
            generator = getattr(process, "_rng", None)
            drawn = hash(generator.getstate()) if generator is not None else None
            found["TensorFlow's random generator"] = f"{process._seed} {drawn}"
        if (torch := backends.loaded("torch")) is not None:
            found["PyTorch's random generator"] = str(hash(torch.get_rng_state().numpy().tobytes()))
        return found

    def _keep_tensorflow(self) -> None:
        process = _tensorflow_context()
        if process is None:
            return
        from tensorflow.python.ops import stateful_random_ops

        generator = getattr(process, "_rng", None)  # with a global seed, operations get their seeds from here
        self._restores += [
            partial(setattr, process, "_seed", process._seed),
            partial(setattr, process, "_rng", generator),
        ]
        if generator is not None:
            self._restores.append(partial(generator.setstate, generator.getstate()))
        if stateful_random_ops.global_generator is not None:
            variable = stateful_random_ops.global_generator.state
            self._restores.append(partial(variable.assign, variable.numpy()))

    def _keep_torch(self) -> None:
        torch = backends.loaded("torch")
        if torch is None:
            return
        self._restores.append(partial(torch.set_rng_state, torch.get_rng_state()))
        if torch.cuda.is_initialized():
            self._restores.append(partial(torch.cuda.set_rng_state_all, torch.cuda.get_rng_state_all()))

    def _keep_keras(self) -> None:
        if backends.name() == backends.LEGACY:
            self._restores += tf_keras_state.random_state()
            return
        from keras.src.backend.common import global_state

        names = global_state.get_global_attribute(
            "object_name_uids"
        )  # the names of later layers are numbered from these
        if names is not None:
            self._restores.append(partial(_restore_counts, names, dict(names)))
        generator = global_state.get_global_attribute("global_seed_generator")
        for name in ("global_seed_generator", "global_random_seed"):
            self._restores.append(
                partial(global_state.set_global_attribute, name, global_state.get_global_attribute(name))
            )
        if generator is not None:
            self._restores.append(partial(generator.state.assign, read(generator.state).copy()))


def _seeds_of_keras() -> str:
    if backends.name() == backends.LEGACY:
        return tf_keras_state.seeds()
    from keras.src.backend.common import global_state

    seeds = global_state.get_global_attribute("global_seed_generator")
    return str(None if seeds is None else read(seeds.state).tolist())


def _tensorflow_context() -> Any:
    """The holder of TensorFlow's seed; None if the script has not used TensorFlow."""
    used = backends.on_tensorflow()
    if not used and backends.loaded("tensorflow") is None:
        return None
    from tensorflow.python.eager import context

    return context.context() if used else context.context_safe()


def _restore_counts(names: Any, saved: dict[Any, Any]) -> None:
    names.clear()
    names.update(saved)
