"""The result of a cause that holds: its cost, its places, its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.report.model import Evidence, Interval, Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cause that holds in this run."""

    # Seconds of the whole projected training.
    cost_s: Interval
    # The id of the cause. The registry sets it, so a check need not repeat its own name.
    cause: str = ""
    # The index of the fit in the recording.
    fit: int | None = None
    # The index of the loop in the recording.
    loop: int | None = None
    # The places in the user's code, the most important first.
    locations: tuple[Location, ...] = ()
    # The sentences that prove it.
    evidence: tuple[Evidence, ...] = ()
    # The ids of the remedies, the best first. The registry sets them unless the check does.
    remedies: tuple[str, ...] = ()
    # Whether the cost was timed and not estimated.
    measured: bool = False
    # Whether it is only shown, and never ranked or tried.
    informative: bool = False
    # Values that the remedies of this cause need, e.g. the index of a callback.
    data: dict[str, Any] = field(default_factory=dict)
