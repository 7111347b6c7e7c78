"""Trials of a call that the script repeats: the original and its substitute alternate in blocks, as the script runs."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import ReplaceCall, from_data
from fitdoctor.probe import contention, gathered, one_batch

BLOCK = 8
"""Calls in a block: long against a call's own jitter, short against the machine's."""
WORSE = ("same", "close", "different")


class CallArms:
    """Runs a call site's calls in random blocks of its arms and keeps the seconds of each block.

    Args:
        kind: The method that is called there.
        arms: Baseline, placebo and remedies, as the plan made them; a ceiling stands for the same rows in larger pieces.
        seconds: How long to go on.
        rounds: Blocks of each arm after which it is enough.
    """

    def __init__(self, kind: str, arms: list[dict[str, Any]], *, seconds: float, rounds: int) -> None:
        self.kind, self.arms = kind, {arm["id"]: arm for arm in arms}
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
        if not any(arm["role"] == "ceiling" or arm["role"] == "remedy" and not self._is_out(arm) for arm in self.arms.values()):
            return True
        late = time.perf_counter() - self._began_s > self._seconds
        return (not self._queue and self._round + 1 >= self._rounds) or (late and not self._queue)

    def call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Makes one call as the arm whose turn it is. The very first is not timed: it traces."""
        if not suits(self.kind, model, bound):
            return original(model, **bound)
        if self._began_s is None:
            self._began_s = time.perf_counter()
            result = original(model, **bound)
            self._warm(original, model, bound)
            return result
        if self._left == 0:
            self._next_block(original, model, bound)
        arm = self.arms[self._queue[0]]
        if self._left == BLOCK:
            self._check(arm, original, model, bound)
            if self._is_out(arm):  # the script goes on with its own results
                self._queue.pop(0)
                self._left = 0
                return original(model, **bound)
        waited_s, began_s = contention.queue_s(), time.perf_counter()
        result = self._make(arm, original, model, bound)
        self._block_s += time.perf_counter() - began_s
        self._block_queue_s += contention.queue_s() - waited_s
        self._left -= 1
        if self._left == 0:
            self._keep(self._queue.pop(0), self._block_s, BLOCK, self._block_queue_s)
        return result

    def _warm(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Traces what the arms call, and leaves the model and the random generators as they were."""
        from fitdoctor.probe.randomness import RandomState
        from fitdoctor.probe.state import Snapshot

        before, snapshot = RandomState(), Snapshot(model) if self.kind in TRAINING else None
        self._call_each(original, model, bound)
        before.put_back()
        if snapshot is not None:
            snapshot.restore()
        for arm in self.arms.values():
            if arm["role"] == "placebo":  # before any other: what differs from itself can't tell of a substitute
                self._check(arm, original, model, bound)

    def _call_each(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        for arm in self.arms.values():
            if arm["role"] == "remedy":
                self._make(arm, original, model, bound)
            elif arm["role"] == "ceiling":
                gathered.timed(original, model, bound)

    def _next_block(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        if not self._queue:
            self._round += 1
            names = [name for name, arm in self.arms.items() if not self._is_out(arm)]
            self._random.shuffle(names)
            for name in names:
                if self.arms[name]["role"] == "ceiling":  # it needs no calls of the script's own
                    self._keep(name, *gathered.timed(original, model, bound))
                else:
                    self._queue.append(name)
        self._left, self._block_s, self._block_queue_s = BLOCK, 0.0, 0.0

    def _keep(self, arm: str, seconds: float, units: int, queue_s: float) -> None:
        self.windows.append(
            {"arm": arm, "round": self._round, "order": self._order, "seconds": seconds, "units": units, "queue_s": max(0.0, queue_s)}
        )
        self._order += 1

    @staticmethod
    def _make(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any]) -> Any:
        return substitute(arm, model, bound) if arm["role"] == "remedy" else original(model, **bound)

    def _check(self, arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Holds an arm's call against the original; "different" once is different for good. The placebo's is the original again."""
        if arm["role"] not in ("remedy", "placebo"):
            return
        from fitdoctor.probe.randomness import RandomState

        compare, before = _weights if self.kind in TRAINING else _results, RandomState()
        found = compare(arm, original, model, bound, before.put_back)
        before.put_back()  # the script's own calls draw on from where they were
        self.checks[arm["id"]] = max(self.checks.get(arm["id"], "same"), found, key=WORSE.index)

    def _is_out(self, arm: dict[str, Any]) -> bool:
        """Whether an arm must not stand in for the script's own calls: its results differ, or nothing tells whether they do."""
        placebos = [name for name, other in self.arms.items() if other["role"] == "placebo"]
        unlike = any(self.checks.get(name) == "different" for name in placebos)
        return arm["role"] == "remedy" and (unlike or self.checks.get(arm["id"]) == "different")


TRAINING = ("fit", "train_on_batch")


def _results(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any], again: Callable[[], None]) -> str:
    """How what the two calls return differs. `again` puts the random generators back between them."""
    import numpy as np
    import tensorflow as tf

    ours = [np.asarray(part) for part in tf.nest.flatten(original(model, **bound))]
    again()
    theirs = [np.asarray(part) for part in tf.nest.flatten(CallArms._make(arm, original, model, bound))]
    if len(ours) == len(theirs) and all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True)):
        return "same"
    if len(ours) == len(theirs) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(ours, theirs, strict=True)
    ):
        return "close"
    return "different"


def _weights(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any], again: Callable[[], None]) -> str:
    """How what the two calls make of the same weights differs. The order of the rows within the one batch is left alone."""
    from fitdoctor.probe.state import Snapshot, compare

    snapshot = Snapshot(model)
    start = snapshot.weights()
    unshuffled = {**bound, "shuffle": False} if "shuffle" in bound else bound
    names = getattr(original(model, **unshuffled), "history", {}).keys()
    ours = snapshot.weights()
    snapshot.restore()
    again()
    other = substitute(arm, model, bound) if arm["role"] == "remedy" else original(model, **unshuffled)
    ours_too = getattr(other, "history", {}).keys()
    theirs = snapshot.weights()
    snapshot.restore()
    return compare(start, ours, theirs) if names == ours_too else "different"


def suits(kind: str, model: Any, bound: dict[str, Any]) -> bool:
    """Whether a call can be replaced at all: other calls of the same place go through as written."""
    return kind != "fit" or one_batch.is_one(model, bound)


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
    if change.replacement == "train_on_batch":
        return one_batch.train(model, bound)
    raise ValueError(f"Expected predict_on_batch, test_on_batch or train_on_batch as a replacement, received {change.replacement!r}.")
