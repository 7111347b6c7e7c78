"""Steps a model as the loops of Keras do, with a module for each backend.

A backend's module has `Loop(model, kind)`, where `kind` is "train" or "test", with:

* `step(function, iterator)`: calls a function that `make_train_function` or `make_test_function` made, and returns its
  logs
* `wait()`: returns when the last step has ended
* `rest()`: does what the loop of Keras does behind its last step; only then can the weights be read, the model be
  called, or its state be put back
* `anew()`: within which functions are made that share nothing with those made before
* `ENDS`: what a step raises where its input has come to its end
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Protocol

from fitdoctor.probe import backends
from fitdoctor.probe.support.originals import time

LONGEST_CHUNK_S = 0.02
"""Steps between two looks at the clock:

each look waits for the last of them, and an accelerator, or JAX, then has nothing to do.
"""


class Loop(Protocol):
    """See above."""

    ENDS: tuple[type[Exception], ...]

    def step(self, function: Any, iterator: Any) -> Any: ...

    def wait(self) -> None: ...

    def rest(self) -> None: ...

    def anew(self) -> AbstractContextManager[None]: ...


def of(model: Any, kind: str = "train") -> Loop:
    """The loop of the backend that the script runs on."""
    loop: Loop = importlib.import_module(f"fitdoctor.probe.trainer.loops.{backends.name()}").Loop(model, kind)
    return loop


def made(model: Any, kind: str = "train") -> Any:
    """A train or test function for the model as it is set now, compiled anew. The model keeps the one that it has."""
    name = f"{kind}_function"
    before = getattr(model, name)
    setattr(model, name, None)
    try:
        with of(model, kind).anew():
            getattr(model, f"make_{name}")()
        return getattr(model, name)
    finally:
        setattr(model, name, before)


@contextmanager
def to_the_end(loop: Loop) -> Iterator[None]:
    """Waits for the last of the steps that are taken within.

    Raises:
        ValueError: The input came to its end before.
    """
    try:
        yield
        loop.wait()
    except loop.ENDS:
        raise ValueError("its input came to its end") from None


def go_for(
    seconds: float, at_once: int, go: Callable[[int], int], clock: Callable[[], float] = time.perf_counter
) -> int:
    """Steps until so many seconds are over, at least once.

    Args:
        seconds: How long.
        at_once: Steps of one call of the train function.
        go: Takes about so many steps, and returns when the last of them has ended: how many they were.
        clock: Seconds.

    Returns:
        The steps that were taken.
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
