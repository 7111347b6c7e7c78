"""The remedies that are best together, and the changes that apply them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fitdoctor.report.results.basic import Interval, Safety


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """The changes of a prescription at one call site, as `changes.model` describes them."""

    kind: str
    file: str
    line: int
    changes: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prescription:
    """The remedies that are best together."""

    remedies: tuple[str, ...]
    safety: Safety
    # How many times as fast the whole projected training is.
    speedup: Interval
    projected_s: float
    # Whether the remedies were measured together. Otherwise their combination is projected.
    measured_together: bool
    # What to write in the source, a line for each change.
    how: tuple[str, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    # The whole training with the remedies, in seconds. The interval includes the variation between processes.
    projected: Interval | None = None
    # Where the remedies were measured together: all of them against the unchanged script in a fresh process, or in the
    # process of the trials; "" where they were not.
    measured_in: Literal["fresh process", "same process", ""] = ""
    # A sentence, where the remedies together save clearly more or less than their sum.
    interaction: str = ""

    def __repr__(self) -> str:
        """One line: the remedies, and what they save."""
        return f"<{' + '.join(self.remedies)}: {self.speedup.mid:.2f}× as fast, {self.safety}>"
