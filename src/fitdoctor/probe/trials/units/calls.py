"""Trials of a call that the script repeats: the original and its substitute alternate in blocks, as the script runs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fitdoctor.changes.model import ReplaceCall, from_data
from fitdoctor.probe import backends
from fitdoctor.probe.inputs import kinds
from fitdoctor.probe.observe import single_batch_fits
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing import cpu_contention
from fitdoctor.probe.trials.units import larger_batch_ceiling
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import Window
from fitdoctor.recording.plain import LONGEST_MESSAGE

if TYPE_CHECKING:  # a treated training imports this module without the protocol of trials
    from fitdoctor.recording.trial_protocol import ArmSpec, CallsTried

# Calls of a block: long against the jitter of one call, short against the drift of the machine.
BLOCK = 8
# Blocks are shorter where there is no time for so many rounds of them.
LEAST_ROUNDS = 6
CHECKED = ("remedy", "placebo")
# How results compare, from best to worst.
WORSE = ("same", "close", "different")
# Methods that train: their calls are compared by the weights.
TRAINING = ("fit", "train_on_batch")


class SubstituteError(Exception):
    """A replacing call failed."""


class CallArms:
    """Runs the calls of one call site in random blocks of its arms, and times each block.

    Args:
        kind: The method that is called there.
        arms: Baseline, placebo and remedies. A ceiling makes the same rows go through in larger batches.
        seconds: How long the trial takes.
        rounds: How many blocks each arm gets.

    Attributes:
        windows: One for each block.
        checks: How the results of an arm compare with the original's, by its id.
    """

    def __init__(self, kind: str, arms: list[ArmSpec], *, seconds: float, rounds: int) -> None:
        self.kind, self.arms = kind, {arm.id: arm for arm in arms}
        self._seconds, self._rounds = seconds, rounds
        self.windows: list[Window] = []
        self.checks: dict[str, str] = {}
        # The arms of this round whose block is still to come.
        self._queue: list[str] = []
        self._block, self._block_is_chosen = BLOCK, False
        # Calls made in the current block.
        self._made, self._round, self._order = 0, -1, 0
        self._calls = 0
        # Calls since an arm's results were last compared.
        self._unchecked = dict.fromkeys(self.arms, BLOCK)
        self._failed: dict[str, str] = {}
        self._block_s = self._block_queue_s = self._block_began_s = 0.0
        self._began_s: float | None = None
        self._random = random.Random(0)  # noqa: S311 - the order of blocks

    @property
    def done(self) -> bool:
        """Whether there are enough blocks, no time is left, or no arm is left."""
        if self._began_s is None or self._made:
            return False
        if not any(
            arm.role == "ceiling" or arm.role == "remedy" and not self._is_excluded(arm) for arm in self.arms.values()
        ):
            return True
        late = time.perf_counter() - self._began_s > self._seconds
        return (not self._queue and self._round + 1 >= self._rounds) or (late and not self._queue)

    @property
    def why(self) -> str:
        """Why no substitute was compared with the original; empty where one was, or where results differ."""
        if self._failed:
            return f"the call in its place failed ({next(iter(self._failed.values()))})"
        timed = {(self.arms[window.arm].role, window.round) for window in self.windows}
        if "different" in self.checks.values() or any(
            ("baseline", number) in timed for role, number in timed if role == "remedy"
        ):
            return ""
        if self._began_s is None:
            return "none of the calls there could be replaced as they are made"
        if time.perf_counter() - self._began_s > self._seconds:
            return f"the time for its trial was used up after {self._calls} call{'s' * (self._calls != 1)}"
        return f"only {self._calls} call{'s' * (self._calls != 1)} of the script's came there, too few to compare"

    def result(self) -> CallsTried:
        """What the trial showed until now."""
        from fitdoctor.recording.trial_protocol import CallsTried

        return CallsTried(windows=self.windows, checks=self.checks, why=self.why)

    def call(self, original: Any, model: Any, bound: dict[str, Any]) -> Any:
        """Makes one call as the arm whose turn it is. The very first is not timed: it traces."""
        if not is_replaceable(self.kind, model, bound):
            return original(model, **bound)
        self._calls += 1
        if self._began_s is None:
            self._began_s = time.perf_counter()
            result = original(model, **bound)
            self._warm_up(original, model, bound)
            return result
        if self._made == 0:
            self._next_block(original, model, bound)
        arm = self.arms[self._queue[0]]
        if self._made == 0:
            if self._unchecked[arm.id] >= BLOCK:
                self._check(arm, original, model, bound)
            if self._is_excluded(arm):  # the script goes on with its own results
                self._queue.pop(0)
                return original(model, **bound)
            self._block_began_s = time.perf_counter()
        waited_s, began_s = cpu_contention.queue_s(), time.perf_counter()
        try:
            result = call_as(arm, original, model, bound)
        except SubstituteError as error:
            self._failed[self._queue.pop(0)] = str(error)
            self._made = 0
            return original(model, **bound)
        self._block_s += time.perf_counter() - began_s
        self._block_queue_s += cpu_contention.queue_s() - waited_s
        self._made += 1
        if not self._block_is_chosen:
            self._choose_block()
        if self._made >= self._block:
            self._block_is_chosen = True
            self._unchecked[arm.id] += self._made
            self._add_window(self._queue.pop(0), self._block_s, self._made, self._block_queue_s)
            self._made = 0
        return result

    def _choose_block(self) -> None:
        """Chooses the calls of a block, by the time left and by the first calls with the script's work between them."""
        assert self._began_s is not None
        now_s = time.perf_counter()
        call_s = (now_s - self._block_began_s) / self._made
        live = [arm for arm in self.arms.values() if arm.role != "ceiling" and not self._is_excluded(arm)]
        checks = sum(2 for arm in live if arm.role in CHECKED and self._unchecked[arm.id] >= BLOCK)
        calls = (self._seconds - (now_s - self._began_s)) / max(call_s, 1e-9) + self._made - checks
        self._block = max(1, min(BLOCK, int(calls / (LEAST_ROUNDS * len(live)))))

    def _warm_up(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Traces the calls of the arms, and restores the model and the random generators."""
        from fitdoctor.probe.state.model_snapshot import Snapshot
        from fitdoctor.probe.state.random_state import RandomState

        before, snapshot = RandomState(), Snapshot(model) if self.kind in TRAINING else None
        self._call_each(original, model, bound)
        before.restore()
        if snapshot is not None:
            snapshot.restore()
        for arm in self.arms.values():
            if arm.role == "placebo":  # first: where the original differs from itself, no substitute is compared
                self._check(arm, original, model, bound)

    def _call_each(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        for arm in self.arms.values():
            if arm.role == "remedy":
                try:
                    call_as(arm, original, model, bound)
                except SubstituteError as error:
                    self._failed[arm.id] = str(error)
            elif arm.role == "ceiling":
                larger_batch_ceiling.timed(original, model, bound)

    def _next_block(self, original: Any, model: Any, bound: dict[str, Any]) -> None:
        if not self._queue:
            self._round += 1
            names = [name for name, arm in self.arms.items() if not self._is_excluded(arm)]
            self._random.shuffle(names)
            for name in names:
                if self.arms[name].role == "ceiling":  # it needs no calls of the script's own
                    self._add_window(name, *larger_batch_ceiling.timed(original, model, bound))
                else:
                    self._queue.append(name)
        self._block_s = self._block_queue_s = 0.0

    def _add_window(self, arm: str, seconds: float, units: int, queue_s: float) -> None:
        self.windows.append(
            Window(
                arm=arm,
                round=self._round,
                order=self._order,
                seconds=seconds,
                units=units,
                queue_s=max(0.0, queue_s),
            )
        )
        self._order += 1

    def _check(self, arm: ArmSpec, original: Any, model: Any, bound: dict[str, Any]) -> None:
        """Compares an arm's call with the original. An arm that was "different" once stays so.

        The placebo's call is the original again.
        """
        if arm.role not in CHECKED or arm.id in self._failed:
            return
        from fitdoctor.probe.state.random_state import RandomState

        compare, before = compare_weights if self.kind in TRAINING else compare_results, RandomState()
        try:
            found = compare(arm, original, model, bound, before.restore)
        except SubstituteError as error:
            self._failed[arm.id] = str(error)
            return
        finally:
            before.restore()  # the script's own calls draw the same random numbers as without a check
        self._unchecked[arm.id] = 0
        self.checks[arm.id] = max(self.checks.get(arm.id, "same"), found, key=WORSE.index)

    def _is_excluded(self, arm: ArmSpec) -> bool:
        """Whether an arm must not replace the script's own calls.

        It is excluded where it failed, where its results differ, and where the original's own results differ.
        """
        if arm.id in self._failed:
            return True
        placebos = [name for name, other in self.arms.items() if other.role == "placebo"]
        unlike = any(self.checks.get(name) == "different" for name in placebos)
        return arm.role == "remedy" and (unlike or self.checks.get(arm.id) == "different")


def call_as(arm: ArmSpec, original: Any, model: Any, bound: dict[str, Any]) -> Any:
    """Makes a call as an arm makes it.

    Raises:
        SubstituteError: The replacing call failed.
    """
    if arm.role != "remedy":
        return original(model, **bound)
    try:
        change = next(c for c in map(from_data, arm.changes) if isinstance(c, ReplaceCall))
        return make_replacement(change, model, bound)
    except Exception as error:
        raise SubstituteError(f"{type(error).__name__}: {error}"[:LONGEST_MESSAGE]) from error


def compare_results(
    arm: ArmSpec, original: Any, model: Any, bound: dict[str, Any], restore_random: Callable[[], None]
) -> str:
    """Compares what the two calls return. Both draw the same random numbers."""
    ours = original(model, **bound)
    restore_random()
    return _compare_nests(ours, call_as(arm, original, model, bound))


def _compare_nests(one: Any, other: Any) -> str:
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


def compare_weights(
    arm: ArmSpec, original: Any, model: Any, bound: dict[str, Any], restore_random: Callable[[], None]
) -> str:
    """Compares the weights and the histories that the two calls lead to, from the same weights.

    The rows of the batch are not shuffled.
    """
    from fitdoctor.probe.state.model_snapshot import Snapshot, compare

    snapshot = Snapshot(model)
    start = snapshot.weights()
    unshuffled = {**bound, "shuffle": False} if "shuffle" in bound else bound
    history = getattr(original(model, **unshuffled), "history", {})
    ours = snapshot.weights()
    snapshot.restore()
    restore_random()
    try:
        other_history = getattr(call_as(arm, original, model, unshuffled), "history", {})
        theirs = snapshot.weights()
    finally:
        snapshot.restore()
    if history.keys() != other_history.keys():
        return "different"
    return max(compare(start, ours, theirs), _compare_nests(history, other_history), key=WORSE.index)


def is_replaceable(kind: str, model: Any, bound: dict[str, Any]) -> bool:
    """Whether a call can be replaced. Other calls of the same place are made as written."""
    if kind == "fit":
        return single_batch_fits.is_single_batch_fit(model, bound)
    if bound.get("callbacks") or bound.get("steps") not in (None, 1):
        return False
    one_step = (kinds.rows(bound.get("x")) or 0) <= (bound.get("batch_size") or DEFAULT_BATCH_SIZE)
    return bound.get("steps") is None or one_step


def make_replacement(change: ReplaceCall, model: Any, bound: dict[str, Any]) -> Any:
    """Makes the replacing call of a change, with the arguments that both calls take."""
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
