"""Trials of a call that the script repeats: the original and its substitute alternate in blocks, as the script runs."""

from __future__ import annotations

import random
import time
from typing import Any

from fitdoctor.changes.model import ReplaceCall, from_data
from fitdoctor.probe import contention

BLOCK = 8
"""Calls in a block: long against a call's own jitter, short against the machine's."""


class CallArms:
    """Runs a call site's calls in random blocks of its arms and keeps the seconds of each block.

    Args:
        arms: Baseline, placebo and remedies, as the plan made them.
        seconds: How long to go on.
        rounds: Blocks of each arm after which it is enough.
    """

    def __init__(self, arms: list[dict[str, Any]], *, seconds: float, rounds: int) -> None:
        self.arms = {arm["id"]: arm for arm in arms}
        self._seconds, self._rounds = seconds, rounds
        self.windows: list[dict[str, Any]] = []
        self.checks: dict[str, str] = {}
        self._queue: list[str] = []
        self._left, self._round, self._order = 0, -1, 0
        self._block_s = self._block_queue_s = 0.0
        self._began_s: float | None = None
        self._random = random.Random(0)  # noqa: S311 - the order of blocks

    @property
    def done(self) -> bool:
        """Whether there are enough blocks, or no time is left."""
        if self._began_s is None or self._left:
            return False
        late = time.perf_counter() - self._began_s > self._seconds
        return (not self._queue and self._round + 1 >= self._rounds) or (late and not self._queue)

    def call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Makes one call as the arm whose turn it is. The very first is not timed: it traces."""
        if self._began_s is None:
            self._began_s = time.perf_counter()
            result = original(model, **bound)
            self._warm(model, bound)
            return result
        if self._left == 0:
            self._next_block()
        arm = self.arms[self._queue[0]]
        if self._left == BLOCK and arm["role"] == "remedy":
            self._check(arm, original, model, bound)
        waited_s, began_s = contention.queue_s(), time.perf_counter()
        result = self._make(arm, original, model, bound)
        self._block_s += time.perf_counter() - began_s
        self._block_queue_s += contention.queue_s() - waited_s
        self._left -= 1
        if self._left == 0:
            self.windows.append(
                {"arm": self._queue.pop(0), "round": self._round, "order": self._order, "seconds": self._block_s,
                 "units": BLOCK, "queue_s": max(0.0, self._block_queue_s)}
            )  # fmt: skip
            self._order += 1
        return result

    def _warm(self, model: Any, bound: dict[str, Any]) -> None:
        for arm in self.arms.values():
            if arm["role"] == "remedy":
                self._make(arm, None, model, bound)

    def _next_block(self) -> None:
        if not self._queue:
            self._round += 1
            self._queue = [name for name in self.arms if self.checks.get(name) != "different"]
            self._random.shuffle(self._queue)
        self._left, self._block_s, self._block_queue_s = BLOCK, 0.0, 0.0

    @staticmethod
    def _make(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any]) -> Any:
        return substitute(arm, model, bound) if arm["role"] == "remedy" else original(model, **bound)

    def _check(self, arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Holds the substitute's result against the original's; "different" once is different for good."""
        import numpy as np
        import tensorflow as tf

        ours = [np.asarray(part) for part in tf.nest.flatten(original(model, **bound))]
        theirs = [np.asarray(part) for part in tf.nest.flatten(substitute(arm, model, bound))]
        if len(ours) == len(theirs) and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True)):
            found = "same"
        elif len(ours) == len(theirs) and all(
            a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(ours, theirs, strict=True)
        ):
            found = "close"
        else:
            found = "different"
        worse = ("same", "close", "different")
        self.checks[arm["id"]] = max(self.checks.get(arm["id"], "same"), found, key=worse.index)


def substitute(arm: dict[str, Any], model: Any, bound: dict[str, Any]) -> Any:
    """Makes the replacing call with the same data."""
    change = next(c for c in map(from_data, arm["changes"]) if isinstance(c, ReplaceCall))
    return replaced(change, model, bound)


def replaced(change: ReplaceCall, model: Any, bound: dict[str, Any]) -> Any:
    """What `change` puts in place of a call, with the arguments that both take."""
    if change.replacement == "predict_on_batch":
        return model.predict_on_batch(bound["x"])
    if change.replacement == "test_on_batch":
        return model.test_on_batch(bound["x"], bound.get("y"), sample_weight=bound.get("sample_weight"), return_dict=bound["return_dict"])
    raise ValueError(f"Expected predict_on_batch or test_on_batch as a replacement, received {change.replacement!r}.")
