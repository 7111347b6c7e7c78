"""Trials of a call that the script repeats: the original and its substitute alternate in blocks, as the script runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import ReplaceCall, from_data
from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.observe import single_batch_fits
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.units import larger_batch_ceiling
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.plain import LONGEST_MESSAGE

BLOCK = 8
"""Calls in a block: long against a call's own jitter, short against the machine's."""
ROUNDS_LEAST = 6
"""Where calls are so long that there is no time for as many rounds of such blocks, blocks are shorter."""
CHECKED = ("remedy", "placebo")
WORSE = ("same", "close", "different")


class SubstituteError(Exception):
    """A replacing call failed."""


class CallArms:
    """Runs a call site's calls in random blocks of its arms and keeps the seconds of each block.

    Args:
        kind: The method that is called there.
        arms: Baseline, placebo and remedies, as the plan made them; a ceiling stands for the same rows in larger
            pieces.
        seconds: How long to go on.
        rounds: Blocks of each arm after which it is enough.
    """

    def __init__(self, kind: str, arms: list[dict[str, Any]], *, seconds: float, rounds: int) -> None:
        self.kind, self.arms = kind, {arm["id"]: arm for arm in arms}
        self._seconds, self._rounds = seconds, rounds
        self.windows: list[dict[str, Any]] = []
        self.checks: dict[str, str] = {}
        self._queue: list[str] = []
        self._block, self._chosen = BLOCK, False
        self._made, self._round, self._order = 0, -1, 0
        self._calls = 0
        self._unchecked = dict.fromkeys(self.arms, BLOCK)
        self._failed: dict[str, str] = {}
        self._block_s = self._block_queue_s = self._block_began_s = 0.0
        self._began_s: float | None = None
        self._random = random.Random(0)  # noqa: S311 - the order of blocks

    @property
    def done(self) -> bool:
        """Whether there are enough blocks, or no time is left."""
        if self._began_s is None or self._made:
            return False
        if not any(
            arm["role"] == "ceiling" or arm["role"] == "remedy" and not self._is_out(arm) for arm in self.arms.values()
        ):
            return True
        late = time.perf_counter() - self._began_s > self._seconds
        return (not self._queue and self._round + 1 >= self._rounds) or (late and not self._queue)

    @property
    def why(self) -> str:
        """Why no substitute could be held against the original, in words; empty where one could, or where results
        differ.
        """
        if self._failed:
            return f"the call in its place failed ({next(iter(self._failed.values()))})"
        seen = {(self.arms[window["arm"]]["role"], window["round"]) for window in self.windows}
        if "different" in self.checks.values() or any(
            ("baseline", number) in seen for role, number in seen if role == "remedy"
        ):
            return ""
        if self._began_s is None:
            return "none of the calls there could be replaced as they are made"
        if time.perf_counter() - self._began_s > self._seconds:
            return f"the time for its trial was used up after {self._calls} call{'s' * (self._calls != 1)}"
        return f"only {self._calls} call{'s' * (self._calls != 1)} of the script's came there, too few to compare"

    def call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Makes one call as the arm whose turn it is. The very first is not timed: it traces."""
        if not suits(self.kind, model, bound):
            return original(model, **bound)
        self._calls += 1
        if self._began_s is None:
            self._began_s = time.perf_counter()
            result = original(model, **bound)
            self._warm(original, model, bound)
            return result
        if self._made == 0:
            self._next_block(original, model, bound)
        arm = self.arms[self._queue[0]]
        if self._made == 0:
            if self._unchecked[arm["id"]] >= BLOCK:
                self._check(arm, original, model, bound)
            if self._is_out(arm):  # the script goes on with its own results
                self._queue.pop(0)
                return original(model, **bound)
            self._block_began_s = time.perf_counter()
        waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
        try:
            result = self._make(arm, original, model, bound)
        except SubstituteError as error:
            self._failed[self._queue.pop(0)] = str(error)
            self._made = 0
            return original(model, **bound)
        self._block_s += time.perf_counter() - began_s
        self._block_queue_s += cpu_contention.queue_s() - waited_s
        self._made += 1
        if not self._chosen:
            self._choose_block()
        if self._made >= self._block:
            self._chosen = True
            self._unchecked[arm["id"]] += self._made
            self._keep(self._queue.pop(0), self._block_s, self._made, self._block_queue_s)
            self._made = 0
        return result

    def _choose_block(self) -> None:
        """How many calls are a block, by what the first ones take with what the script does between them, and by the
        time left.
        """
        assert self._began_s is not None
        now_s = time.perf_counter()
        call_s = (now_s - self._block_began_s) / self._made
        live = [arm for arm in self.arms.values() if arm["role"] != "ceiling" and not self._is_out(arm)]
        checks = sum(2 for arm in live if arm["role"] in CHECKED and self._unchecked[arm["id"]] >= BLOCK)
        calls = (self._seconds - (now_s - self._began_s)) / max(call_s, 1e-9) + self._made - checks
        self._block = max(1, min(BLOCK, int(calls / (ROUNDS_LEAST * len(live)))))

    def _warm(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Traces what the arms call, and leaves the model and the random generators as they were."""
        from fitdoctor.probe.state.model_snapshot import Snapshot
        from fitdoctor.probe.state.random_state import RandomState

        before, snapshot = RandomState(), Snapshot(model) if self.kind in TRAINING else None
        self._call_each(original, model, bound)
        before.restore()
        if snapshot is not None:
            snapshot.restore()
        for arm in self.arms.values():
            if arm["role"] == "placebo":  # before any other: what differs from itself can't tell of a substitute
                self._check(arm, original, model, bound)

    def _call_each(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        for arm in self.arms.values():
            if arm["role"] == "remedy":
                try:
                    self._make(arm, original, model, bound)
                except SubstituteError as error:
                    self._failed[arm["id"]] = str(error)
            elif arm["role"] == "ceiling":
                larger_batch_ceiling.timed(original, model, bound)

    def _next_block(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        if not self._queue:
            self._round += 1
            names = [name for name, arm in self.arms.items() if not self._is_out(arm)]
            self._random.shuffle(names)
            for name in names:
                if self.arms[name]["role"] == "ceiling":  # it needs no calls of the script's own
                    self._keep(name, *larger_batch_ceiling.timed(original, model, bound))
                else:
                    self._queue.append(name)
        self._block_s = self._block_queue_s = 0.0

    def _keep(self, arm: str, seconds: float, units: int, queue_s: float) -> None:
        self.windows.append(
            {
                "arm": arm,
                "round": self._round,
                "order": self._order,
                "seconds": seconds,
                "units": units,
                "queue_s": max(0.0, queue_s),
            }
        )
        self._order += 1

    @staticmethod
    def _make(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any]) -> Any:
        if arm["role"] != "remedy":
            return original(model, **bound)
        try:
            return substitute(arm, model, bound)
        except Exception as error:
            raise SubstituteError(f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]) from error

    def _check(self, arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Holds an arm's call against the original; "different" once is different for good.

        The placebo's is the original again.
        """
        if arm["role"] not in CHECKED or arm["id"] in self._failed:
            return
        from fitdoctor.probe.state.random_state import RandomState

        compare, before = _weights if self.kind in TRAINING else _results, RandomState()
        try:
            found = compare(arm, original, model, bound, before.restore)
        except SubstituteError as error:
            self._failed[arm["id"]] = str(error)
            return
        finally:
            before.restore()  # the script's own calls draw on from where they were
        self._unchecked[arm["id"]] = 0
        self.checks[arm["id"]] = max(self.checks.get(arm["id"], "same"), found, key=WORSE.index)

    def _is_out(self, arm: dict[str, Any]) -> bool:
        """Whether an arm must not stand in for the script's own calls:

        it failed, its results differ, or nothing tells whether they do.
        """
        if arm["id"] in self._failed:
            return True
        placebos = [name for name, other in self.arms.items() if other["role"] == "placebo"]
        unlike = any(self.checks.get(name) == "different" for name in placebos)
        return arm["role"] == "remedy" and (unlike or self.checks.get(arm["id"]) == "different")


TRAINING = ("fit", "train_on_batch")


def _results(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any], again: Callable[[], None]) -> str:
    """How what the two calls return differs. `again` puts the random generators back between them."""
    ours = original(model, **bound)
    again()
    return _likeness(ours, CallArms._make(arm, original, model, bound))


def _likeness(one: Any, other: Any) -> str:
    import numpy as np

    ours, theirs = ([np.asarray(part) for part in backends.tree().flatten(result)] for result in (one, other))
    if len(ours) == len(theirs) and all(
        np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True)
    ):
        return "same"
    if len(ours) == len(theirs) and all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-4, atol=1e-6) for a, b in zip(ours, theirs, strict=True)
    ):
        return "close"
    return "different"


def _weights(arm: dict[str, Any], original: Any, model: Any, bound: dict[str, Any], again: Callable[[], None]) -> str:
    """How what the two calls make of the same weights differs.

    The order of the rows within the one batch is left alone.
    """
    from fitdoctor.probe.state.model_snapshot import Snapshot, compare

    snapshot = Snapshot(model)
    start = snapshot.weights()
    unshuffled = {**bound, "shuffle": False} if "shuffle" in bound else bound
    said = getattr(original(model, **unshuffled), "history", {})
    ours = snapshot.weights()
    snapshot.restore()
    again()
    try:
        said_too = getattr(CallArms._make(arm, original, model, unshuffled), "history", {})
        theirs = snapshot.weights()
    finally:
        snapshot.restore()
    if said.keys() != said_too.keys():
        return "different"
    return max(compare(start, ours, theirs), _likeness(said, said_too), key=WORSE.index)


def suits(kind: str, model: Any, bound: dict[str, Any]) -> bool:
    """Whether a call can be replaced at all: other calls of the same place go through as written."""
    if kind == "fit":
        return single_batch_fits.is_single_batch_fit(model, bound)
    if bound.get("callbacks") or bound.get("steps") not in (None, 1):
        return False
    one_step = (kinds.rows(bound.get("x")) or 0) <= (bound.get("batch_size") or DEFAULT_BATCH_SIZE)
    return bound.get("steps") is None or one_step


def substitute(arm: dict[str, Any], model: Any, bound: dict[str, Any]) -> Any:
    """Makes the replacing call with the same data."""
    change = next(c for c in map(from_data, arm["changes"]) if isinstance(c, ReplaceCall))
    return replaced(change, model, bound)


def replaced(change: ReplaceCall, model: Any, bound: dict[str, Any]) -> Any:
    """What `change` puts in place of a call, with the arguments that both take."""
    if change.replacement == "predict_on_batch":
        return model.predict_on_batch(bound["x"])
    if change.replacement == "test_on_batch":
        model.reset_metrics()  # as `evaluate` does; see `one_batch.train`
        return model.test_on_batch(
            bound["x"], bound.get("y"), sample_weight=bound.get("sample_weight"), return_dict=bound["return_dict"]
        )
    if change.replacement == "train_on_batch":
        return single_batch_fits.train(model, bound)
    raise ValueError(
        f"Expected predict_on_batch, test_on_batch or train_on_batch as a replacement, received {change.replacement!r}."
    )
