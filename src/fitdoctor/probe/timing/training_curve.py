"""Records the course of a fit: its epochs with their logs, the time of its steps, and its memory.

The record has a constant size.
"""

from __future__ import annotations

import math
import os
from typing import Any

from fitdoctor.recording.model import EpochRow, Fit, StepBlock

# Rows of the learning curve: enough for any curve, and well below a megabyte on disk.
MOST_ROWS = 512
# Blocks of steps: enough to distinguish a slope from a jump, and each is long against a hiccup of the machine.
MOST_BLOCKS = 64


class TrainingCurve:
    """Adds the course of one call of `fit` to the record of its call site.

    Args:
        record: The record of the fit.

    Attributes:
        epoch_s: Time of this epoch's steps, without its first one.
        learning_rate: The learning rate at the end of the epoch, before callbacks may set another.
    """

    def __init__(self, record: Fit) -> None:
        self._record = record
        self._call = record.calls_run  # counted only once it has begun
        self._length = max((block.steps for block in record.blocks), default=1)
        self._steps, self._seconds = 0, 0.0
        self._epoch_steps, self.epoch_s = 0, 0.0
        self.learning_rate: float | None = None

    def step(self, seconds: float, steps: int = 1) -> None:
        """Adds a step, or several that took `seconds` together."""
        self._epoch_steps += steps
        self.epoch_s += seconds
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
        """Begins the counts of an epoch."""
        self._epoch_steps, self.epoch_s = 0, 0.0

    def epoch_ends(self, number: int, ended_s: float, steps: int, logs: Any) -> None:
        """Adds an epoch that ran to its end.

        Args:
            number: Of the epoch.
            ended_s: Seconds since the fit began.
            steps: Number of all its steps. The mean step time is that without the first one.
            logs: What Keras passed to the callbacks.
        """
        row = EpochRow(
            number=number,
            call=self._call,
            steps=steps,
            ended_s=ended_s,
            step_s=self.epoch_s / max(1, self._epoch_steps) / max(1, self._record.steps_per_execution),
            logs=_finite(logs),
            memory_bytes=memory_bytes(),
            learning_rate=self.learning_rate,
        )
        _add_row(self._record.curve, row, max(0, self._record.epochs_seen - 1))


def _add_row(rows: list[EpochRow], row: EpochRow, before: int) -> None:
    """Adds a row after `before` others, and thins the rows out when there are too many.

    One of every 1, 2, 4, … rows is stored, and always the latest.
    """
    apart = 1 << (before // MOST_ROWS).bit_length()
    if len(rows) > 1 and (before - 1) % apart:
        rows[-2:] = [_more_informative(*rows[-2:])]
    if before and before * 2 == MOST_ROWS * apart:
        rows[:] = [_more_informative(first, second) for first, second in zip(rows[::2], rows[1::2], strict=False)]
    rows.append(row)


def _more_informative(first: EpochRow, second: EpochRow) -> EpochRow:
    """Returns the row with more logs, as validation may not run in every epoch, else the later one."""
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
    """Returns the memory of this process now, or 0 where the system does not report it.

    The file is opened each time: an open file would take a descriptor number that a file of the script gets otherwise.
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
