"""What one arm of a fit is stepped with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.changes.model import Change


@dataclass(slots=True)
class Runner:
    """What one arm is stepped with."""

    changes: list[Change]
    iterator: Any = None
    function: Any = None
    test_function: Any = None
    dataset: Any = None
    steps: int = 1
    units: int = 1
    lead: int = 1
    period: int = 1
    step: int = 0
    epoch: int = 0
    evaluation: Any = None
    parts: list[str] = field(default_factory=list)
    epoch_steps: int = 0
    logs: dict[str, Any] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    """Of throttled hooks: they go on from window to window, or each would begin with one that runs."""
