"""What trials measured, handed to the facts from outside: facts themselves never look at windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fitdoctor.report.model import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRatios:
    """Ratios of a fit's step by the index of the fit, and of a loop's call by the index of the loop.

    `input_free` is how much faster the step is with its input for free; `fewer_dispatches` how much faster it is when
    several steps run in one call of the train function; `rate_alone` is the learning rate that won its races by itself,
    where larger batches with that rate gave hardly more; `gathered` how much faster a loop's rows are when more go
    through at once.
    """

    input_free: Mapping[int, Interval] = field(default_factory=dict)
    fewer_dispatches: Mapping[int, Interval] = field(default_factory=dict)
    rate_alone: Mapping[int, float] = field(default_factory=dict)
    gathered: Mapping[int, Interval] = field(default_factory=dict)
