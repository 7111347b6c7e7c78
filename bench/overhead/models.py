"""Models whose steps take about as long as asked for, on each backend."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

BACKENDS = ("tensorflow", "jax", "torch", "tf_keras")
FEATURES = 32
WIDTHS = {0.2: 0, 1.0: 256, 10.0: 512, 100.0: 512}
"""Units of the two hidden layers for a target in milliseconds; 0 for none at all."""
PROBED = (32, 1024)
LARGEST_BATCH = 16_384
SMALLEST_BATCH = 8


def environment(backend: str) -> dict[str, str]:
    """The variables of a process that trains on a backend."""
    keras_backend = "tensorflow" if backend == "tf_keras" else backend
    return {**os.environ, "KERAS_BACKEND": keras_backend, "TF_CPP_MIN_LOG_LEVEL": "3"}


def keras_of(backend: str) -> ModuleType:
    return importlib.import_module("tf_keras" if backend == "tf_keras" else "keras")


def settle(backend: str) -> Callable[[Any], None]:
    """What waits until the result of a train function is there; on a CPU only JAX computes it later."""
    if backend == "jax":
        import jax

        wait: Callable[[Any], Any] = jax.block_until_ready
        return wait
    if backend == "torch":
        import torch

        return (lambda _: torch.cuda.synchronize()) if torch.cuda.is_available() else (lambda _: None)
    import tensorflow as tf

    return (
        (lambda _: tf.test.experimental.sync_devices()) if tf.config.list_physical_devices("GPU") else (lambda _: None)
    )


def model(keras: ModuleType, width: int, stepped: Callable[[Any], None]) -> Any:
    """A compiled model; `stepped` gets what the train function gave, within the step."""

    class Counted(keras.Sequential):  # type: ignore[name-defined,misc]
        def make_train_function(self, force: bool = False) -> Any:
            super().make_train_function(force)
            made = self.train_function
            if made is not None and not getattr(made, "tells", False):

                def train_function(*arguments: Any) -> Any:
                    result = made(*arguments)
                    stepped(result)
                    return result

                train_function.tells = True  # type: ignore[attr-defined]
                self.train_function = train_function
            return self.train_function

    hidden = [keras.layers.Dense(width, activation="relu") for _ in range(2)] if width else []
    made = Counted([keras.layers.Input((FEATURES,)), *hidden, keras.layers.Dense(1)])
    made.compile(optimizer=keras.optimizers.SGD(1e-3), loss="mse")
    return made


def data(batch: int, steps: int) -> tuple[Any, Any]:
    generator = np.random.default_rng(1)
    return generator.standard_normal((batch * steps, FEATURES), dtype="float32"), np.zeros(
        (batch * steps, 1), "float32"
    )


@dataclass(frozen=True, slots=True)
class Size:
    """A size that was found: its `step_s` during the search, and whether it is the smallest there is."""

    width: int
    batch: int
    step_s: float
    smallest: bool


def size(backend: str, target_ms: float) -> Size:
    """Looks for the batch with which a step takes about so long."""
    width, target_s = WIDTHS[target_ms], target_ms / 1000
    bare_s = _least_s(backend, 0, SMALLEST_BATCH)
    if not width or bare_s >= target_s:
        return Size(0, SMALLEST_BATCH, bare_s, True)
    small_s, large_s = (_least_s(backend, width, batch) for batch in PROBED)
    each_s = max(1e-9, (large_s - small_s) / (PROBED[1] - PROBED[0]))
    batch = _within(PROBED[0] + (target_s - small_s) / each_s)
    found_s = _least_s(backend, width, batch, 20)
    if not 0.8 < found_s / target_s < 1.25:  # what a row more takes is another for a large batch
        batch = _within(batch * target_s / found_s)
        found_s = _least_s(backend, width, batch, 20)
    return Size(width, batch, found_s, batch == SMALLEST_BATCH)


def _within(batch: float) -> int:
    return min(LARGEST_BATCH, max(SMALLEST_BATCH, int(batch)))


def _least_s(backend: str, width: int, batch: int, steps: int = 60) -> float:
    """The better of two goes: the first of a process is slow."""
    return min(step_s(backend, width, batch, steps) for _ in range(2))


def step_s(backend: str, width: int, batch: int, steps: int = 60) -> float:
    """Seconds of a step, the first few left out."""
    wait, stamps = settle(backend), [0.0]

    def stepped(result: Any) -> None:
        stamps.append(0.0)
        if len(stamps) in (steps // 2, steps):
            wait(result)
            stamps[-1] = time.perf_counter()

    x, y = data(batch, steps)
    model(keras_of(backend), width, stepped).fit(x, y, batch_size=batch, epochs=1, shuffle=False, verbose=0)
    return (stamps[steps - 1] - stamps[steps // 2 - 1]) / (steps - steps // 2)
