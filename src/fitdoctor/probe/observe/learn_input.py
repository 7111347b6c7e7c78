"""Learns, once a fit has returned, what it was fed:

where that was made, how its numbers are spread, and what they meet first.
"""

from __future__ import annotations

import sys
from typing import Any

from fitdoctor.printable import printable
from fitdoctor.probe.support import assignments, guard
from fitdoctor.probe.trainer import learning_rate as rates
from fitdoctor.probe.trainer.learning_rate import constant as learning_rate
from fitdoctor.recording.model import Fit


def learn_input(record: Fit, model: Any, bound: dict[str, Any]) -> None:
    """Completes the record of a fit. What can't be learned stays unknown; the script goes on in any case."""
    try:
        learn(record, model, bound, draw=True)
    except Exception as error:  # whatever a stranger's input makes of our questions
        sys.stderr.write(printable(f"fitdoctor: the input was not looked at: {type(error).__name__}: {error}") + "\n")


def learn(record: Fit, model: Any, bound: dict[str, Any], *, draw: bool) -> None:
    """The same, with whatever it raises.

    Args:
        record: Of the fit, which has returned.
        model: Its model.
        bound: Fit's arguments by name.
        draw: Whether batches may be drawn from a dataset. Where not, less of it is looked at, and only what lies in
            memory.
    """
    from fitdoctor.probe.apply import (
        torch_loaders,
    )  # NumPy reads its settings when it is imported: not before the script does
    from fitdoctor.probe.observe import (
        input_statistics,
    )  # NumPy reads its settings when it is imported: not before the script does

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
