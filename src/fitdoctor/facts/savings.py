"""How much faster a fit is without a cost that was timed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.finding import Finding

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

#: However much of a fit a cost is, something is left.
LEAST_LEFT = 0.01


def ratio_without(facts: Facts, finding: Finding, name: str) -> float:
    """The ratio of all calls of the finding's fit to the same without the seconds that its data holds under a name."""
    whole_s = facts.projection.under(f"fit{finding.fit}/")
    saved_s: float = finding.data[name]
    return whole_s / max(whole_s - saved_s, LEAST_LEFT * whole_s) if whole_s > 0 else 1.0
