"""Runs steps of a model as the loops of Keras do, with one module for each backend.

A backend's module has `Loop(model, kind)`, where `kind` is "train" or "test", with:

* `step(function, iterator)`: calls a function of `make_train_function` or `make_test_function`, and returns its logs
* `wait()`: returns when the last step is computed
* `rest()`: does what the loop of Keras does after its last step. Only then may weights be read, the model be called, or
  its state be restored
* `fresh_functions()`: a context in which new functions share nothing with earlier ones
* `ENDS`: the errors of a step whose input has ended
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from fitdoctor.probe import backends
from fitdoctor.probe.support.originals import time

# The longest time between two readings of the clock. Each reading waits for the last step, and the device idles then.
LONGEST_CHUNK_S = 0.02


class Loop(Protocol):
    """Runs steps on one backend: see above."""

    ENDS: tuple[type[Exception], ...]

    def step(self, function: Any, iterator: Any) -> Any: ...

    def wait(self) -> None: ...

    def rest(self) -> None: ...

    def fresh_functions(self) -> AbstractContextManager[None]: ...


def of(model: Any, kind: str = "train") -> Loop:
    """The loop of the backend that the script runs on."""
    loop: Loop = importlib.import_module(f"fitdoctor.probe.trainer.loops.{backends.name()}").Loop(model, kind)
    return loop


def made(model: Any, kind: str = "train") -> Any:
    """A new train or test function for the current settings of the model. The model keeps its own function."""
    name = f"{kind}_function"
    before = getattr(model, name)
    setattr(model, name, None)
    try:
        with of(model, kind).fresh_functions():
            getattr(model, f"make_{name}")()
        return getattr(model, name)
    finally:
        setattr(model, name, before)


@contextmanager
def to_the_end(loop: Loop) -> Iterator[None]:
    """Waits for the last step of a block.

    Raises:
        ValueError: The input has ended before.
    """
    try:
        yield
        loop.wait()
    except loop.ENDS:
        raise ValueError("its input came to its end") from None


def go_for(
    seconds: float, at_once: int, go: Callable[[int], int], clock: Callable[[], float] = time.perf_counter
) -> int:
    """Runs steps for a number of seconds, at least once.

    Args:
        seconds: How long.
        at_once: Steps of one call of the train function.
        go: Runs about so many steps, waits for the last one, and returns their number.
        clock: Seconds.

    Returns:
        The number of steps.
    """
    began_s, taken, chunk = clock(), 0, at_once
    while True:
        before_s = clock()
        taken += go(chunk)
        now_s = clock()
        if now_s - began_s >= seconds:
            return taken
        if now_s - before_s < LONGEST_CHUNK_S / 2:
            chunk *= 2
