"""What a cause says when it holds: its cost, its places, its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from fitdoctor.report.model import Evidence, Interval, Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A cause that holds in this run.

    `cause` and `remedies` are filled in by the registry, so that a check need not repeat its own name. `fit` and `loop`
    are indexes into the scout's lists. `cost_s` is seconds of the whole projected training; `measured` says that they
    were timed and not estimated. `informative` findings are shown, never ranked or tried. `data` carries what the
    remedies of this cause need to know, e.g. the index of a callback.
    """

    cost_s: Interval
    cause: str = ""
    fit: int | None = None
    loop: int | None = None
    locations: tuple[Location, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    remedies: tuple[str, ...] = ()
    measured: bool = False
    informative: bool = False
    data: dict[str, Any] = field(default_factory=dict)
