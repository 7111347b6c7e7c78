"""What one arm of a fit is stepped with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.changes.model import Change


@dataclass(slots=True)
class Runner:
    """The input, the compiled functions and the counters of one arm."""

    changes: list[Change]
    dataset: Any = None
    iterator: Any = None
    function: Any = None
    test_function: Any = None
    # What Keras keeps for `evaluate` between two calls.
    evaluation: Any = None
    # Steps of one execution.
    steps: int = 1
    # Units of one window.
    units: int = 1
    # Untimed steps before a window.
    lead: int = 1
    # After so many steps a callback acts again.
    period: int = 1
    # The numbers that callbacks get: of the next step, and of the epoch.
    step: int = 0
    epoch: int = 0
    # What of an epoch is timed, and its steps: of the unit `whole`.
    parts: list[str] = field(default_factory=list)
    epoch_steps: int = 0
    logs: dict[str, Any] = field(default_factory=dict)
    # Calls of throttled hooks. They count on from window to window, or the first call of each window would act.
    calls: dict[int, int] = field(default_factory=dict)
