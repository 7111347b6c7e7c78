"""Completes the record of a fit after it has returned: the origin and the statistics of its input."""

from __future__ import annotations

import sys
from typing import Any

from fitdoctor.printable import printable
from fitdoctor.probe.support import assignments, guard
from fitdoctor.probe.trainer import learning_rate as rates
from fitdoctor.probe.trainer.learning_rate import constant as learning_rate
from fitdoctor.recording.model import Fit


def learn_input(record: Fit, model: Any, bound: dict[str, Any]) -> None:
    """Completes the record of a fit. A failure is printed, and the script continues in any case."""
    try:
        learn(record, model, bound, draw=True)
    except Exception as error:  # a user's own input may raise anything
        sys.stderr.write(printable(f"fitdoctor: the input was not examined: {type(error).__name__}: {error}") + "\n")


def learn(record: Fit, model: Any, bound: dict[str, Any], *, draw: bool) -> None:
    """Completes the record of a fit.

    Args:
        record: Of the fit, which has returned.
        model: Its model.
        bound: Fit's arguments by name.
        draw: Whether batches may be drawn from a dataset. If not, the sample is smaller and only from memory.

    Raises:
        Exception: The input or the model can't be read.
    """
    # These import NumPy, which reads its settings then: not before the script does.
    from fitdoctor.probe.apply import torch_loaders
    from fitdoctor.probe.observe import input_statistics

    record.input_made = assignments.argument("x", 0)
    record.learning_rate = learning_rate(model.optimizer)
    record.schedule = type(schedule).__name__ if (schedule := rates.schedule_of(model.optimizer)) is not None else ""
    if (
        draw
        and record.input_kind == "dataloader"
        and record.operations
        and not record.operations[0].arguments["iterable"]
    ):
        record.operations[0].stateful = bool(guard.guarded(torch_loaders.draws, bound["x"]))
    input_statistics.learn(
        record, model, bound, draw=draw, sample=input_statistics.FULL if draw else input_statistics.LIGHT
    )
