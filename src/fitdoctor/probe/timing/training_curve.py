"""How a fit goes on:

its epochs with what they reached, and how the time of a step and the memory change, in constant memory.
"""

from __future__ import annotations

import math
import os
from typing import Any

from fitdoctor.recording.model import EpochRow, Fit, StepBlock

MOST_ROWS = 512
"""Rows of the learning curve: enough for any curve, and well below a megabyte on disk."""
MOST_BLOCKS = 64
"""Stretches of steps. Enough to tell a slope from a jump, and each is long against a hiccup of the machine."""


class Course:
    """Adds one call of `fit` to the course of its call site.

    Args:
        record: What is filled.
    """

    def __init__(self, record: Fit) -> None:
        self._record = record
        self._call = record.calls_run  # counted only once it has begun
        self._length = max((block.steps for block in record.blocks), default=1)
        self._steps, self._seconds = 0, 0.0
        self._epoch_steps, self._epoch_s = 0, 0.0

    def step(self, seconds: float, steps: int = 1) -> None:
        """One step more, or so many in so many seconds."""
        self._epoch_steps += steps
        self._epoch_s += seconds
        self._steps += steps
        self._seconds += seconds
        if self._steps < self._length:
            return
        blocks = self._record.blocks
        blocks.append(StepBlock(steps=self._steps, seconds=self._seconds, memory_bytes=memory_bytes()))
        self._steps, self._seconds = 0, 0.0
        if len(blocks) >= MOST_BLOCKS:
            blocks[:] = [_merged(first, second) for first, second in zip(blocks[::2], blocks[1::2], strict=True)]
            self._length *= 2

    def epoch_begins(self) -> None:
        """What is counted for an epoch begins anew."""
        self._epoch_steps, self._epoch_s = 0, 0.0

    def epoch(self, number: int, ended_s: float, steps: int, logs: Any, learning_rate: float | None) -> None:
        """One epoch that ran to its end. `steps` are all of them; the mean is of those that do not stand apart."""
        row = EpochRow(
            number=number,
            call=self._call,
            steps=steps,
            ended_s=ended_s,
            step_s=self._epoch_s / max(1, self._epoch_steps) / max(1, self._record.steps_per_execution),
            logs=_finite(logs),
            memory_bytes=memory_bytes(),
            learning_rate=learning_rate,
        )
        _put(self._record.curve, row, max(0, self._record.epochs_seen - 1))


def _put(rows: list[EpochRow], row: EpochRow, before: int) -> None:
    """Adds a row after `before` others:

    one is kept of so many, twice as many each time that the store is full, and the last.
    """
    apart = 1 << (before // MOST_ROWS).bit_length()
    if len(rows) > 1 and (before - 1) % apart:
        rows[-2:] = [_telling(*rows[-2:])]
    if before and before * 2 == MOST_ROWS * apart:
        rows[:] = [_telling(first, second) for first, second in zip(rows[::2], rows[1::2], strict=False)]
    rows.append(row)


def _telling(first: EpochRow, second: EpochRow) -> EpochRow:
    """The one of two that says more, as validation may not run in every epoch, else the later."""
    return first if len(first.logs) > len(second.logs) else second


def _merged(first: StepBlock, second: StepBlock) -> StepBlock:
    return StepBlock(
        steps=first.steps + second.steps,
        seconds=first.seconds + second.seconds,
        memory_bytes=max(first.memory_bytes, second.memory_bytes),
    )


def _finite(logs: Any) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in (logs or {}).items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            continue
        if math.isfinite(number):
            found[str(name)] = number
    return found


def memory_bytes() -> int:
    """What this process holds in memory now; 0 where the system does not say.

    The file is opened each time: one that stays open would take a number that the script's own files get else.
    """
    try:
        file = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return int(os.read(file, 64).split()[1]) * _PAGE
        finally:
            os.close(file)
    except (OSError, AttributeError, IndexError, ValueError):
        return 0


_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
