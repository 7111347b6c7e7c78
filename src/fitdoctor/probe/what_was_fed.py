"""Learns, once a fit has returned, what it was fed: where that was made, how its numbers are spread, and what they meet first."""

from __future__ import annotations

import sys
from typing import Any

from fitdoctor.probe import assigned
from fitdoctor.probe.course import learning_rate
from fitdoctor.recording.model import Fit


def learn_input(record: Fit, model: Any, bound: dict[str, Any]) -> None:
    """Completes the record of a fit. What can't be learned stays unknown; the script goes on in any case."""
    from fitdoctor.probe import spread  # NumPy reads its settings when it is imported: not before the script does

    try:
        record.input_made = assigned.argument("x", 0)
        record.learning_rate = learning_rate(model.optimizer)
        spread.learn(record, model, bound, draw=True)
    except Exception as error:  # whatever a stranger's input makes of our questions
        sys.stderr.write(f"fitdoctor: the input was not looked at: {type(error).__name__}: {error}\n")
