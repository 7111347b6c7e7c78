"""The results of trials that facts use. Facts never read windows themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fitdoctor.report.model import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRatios:
    """Ratios by the index of a fit or of a loop."""

    # How much faster a fit's step is with free input.
    input_free: Mapping[int, Interval] = field(default_factory=dict)
    # How much faster a fit's step is if several steps run in one call of the train function.
    fewer_dispatches: Mapping[int, Interval] = field(default_factory=dict)
    # The learning rate that won a fit's races, if larger batches with that rate gained hardly more.
    rate_alone: Mapping[int, float] = field(default_factory=dict)
    # How much faster a loop's rows are if more rows go through at once.
    gathered: Mapping[int, Interval] = field(default_factory=dict)
