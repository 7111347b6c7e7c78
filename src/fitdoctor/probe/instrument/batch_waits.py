"""Times the waits for batches, at the cost of little more than two readings of the clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import Any

from fitdoctor.probe.support import guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.timing.step_sampling import LONG_S, StepSkip

# Most batches of an untimed block. After each block, the state of step sampling is checked.
BLOCK_BATCHES = 32
# Longest expected time of an untimed block.
BLOCK_S = 0.006
# The clock never returns this. `iter` with two arguments needs a value at which it ends.
NEVER_S = -1.0


class TimedBatches(chain):  # type: ignore[type-arg]
    """An iterator of batches that reports each wait for one. All else is that of the iterator that it holds.

    It is a chain of blocks of that iterator, all in C code, so no Python frame of ours runs between a batch and its
    reader. While steps are sampled, a block is one batch between two readings of the clock. While they are skipped, a
    block may be many batches without a clock (`StepSkip.untimed_batches`).
    """

    __slots__ = ("_inner",)
    _inner: Any

    def __new__(cls, batches: Any, skip: StepSkip, batch_waited: Callable[[float], None]) -> TimedBatches:
        inner = iter(batches)
        timed: TimedBatches = cls.from_iterable(_blocks(inner, skip, batch_waited))  # type: ignore[assignment]
        timed._inner = inner
        return timed

    def __getattr__(self, name: str) -> Any:
        if name in self.__slots__:  # of a copy that is not made yet
            raise AttributeError(name)
        return getattr(self._inner, name)


def _blocks(inner: Iterator[Any], skip: StepSkip, batch_waited: Callable[[float], None]) -> Iterator[Iterator[Any]]:
    clock, count = iter(time.perf_counter, NEVER_S), 0
    inner = chain(inner)  # it requests nothing from an iterator that has ended: some would wait for ever

    def note(requested_s: float, batch: Any, came_s: float) -> Any:
        nonlocal count
        count += 1
        seconds = came_s - requested_s
        if skip.callback_list is not None and seconds < LONG_S:
            skip.waited_s += seconds
        else:
            batch_waited(seconds)
        return batch

    timed = map(note, clock, inner, clock)
    while True:
        before = count
        yield islice(timed, 1)
        if count == before:
            return
        while skip.untimed_batches and skip.callback_list is not None:
            if skip.bypass.active:
                yield from _bypassed_blocks(inner, skip)
            else:
                size = min(skip.untimed_batches, BLOCK_BATCHES)
                skip.untimed_batches -= size
                yield islice(inner, size)


def _bypassed_blocks(inner: Iterator[Any], skip: StepSkip) -> Iterator[Iterator[Any]]:
    """Yields blocks while the step hooks are bypassed, and ends the bypass.

    It ends when enough steps have passed, or after a block that took so long that one of its steps may have been long.
    """
    clock, bypass = time.perf_counter, skip.bypass
    expected_s = skip.expected_batch_s
    most = BLOCK_BATCHES if expected_s * BLOCK_BATCHES <= BLOCK_S else max(1, int(BLOCK_S / expected_s))
    bypass.requested_s = clock()
    while bypass.active and bypass.batches_left:
        size = min(bypass.batches_left, most)
        skip.untimed_batches -= size
        block = guard.guarded(bypass.next_batches, inner, most)
        if block is None:
            break
        yield block
        before_s, bypass.requested_s = bypass.requested_s, clock()
        if not bypass.all_requested or bypass.requested_s - before_s >= size * skip.expected_batch_s + LONG_S:
            break
    guard.guarded(lambda: skip.end_bypass(last_ended=bypass.all_requested))
    if bypass.active:  # that failed, and `guarded` has reported it
        skip.time_all_batches()
