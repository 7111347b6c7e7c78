"""How much faster a fit is without a measured cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.finding import Finding

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

# The share of a fit that remains at least, however large the cost is.
LEAST_LEFT = 0.01


def ratio_without(facts: Facts, finding: Finding, name: str) -> float:
    """How much faster the finding's fit is without the seconds that its data holds under a name."""
    whole_s = facts.projection.under(f"fit{finding.fit}/")
    saved_s: float = finding.data[name]
    return whole_s / max(whole_s - saved_s, LEAST_LEFT * whole_s) if whole_s > 0 else 1.0
