"""Ends the training when its validation score stops improving.

No trial is needed: the later epochs were timed.
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.facts import Facts
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "EarlyStopping"
TREATS = ("wasted-epochs",)
SAFETY = "semantics"
UNIT = "call"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit_id = facts.fits[finding.fit].id
    whole_s = sum(
        term.s for term in facts.projection.terms if term.id.startswith(f"{fit_id}/") and not term.id.endswith("/first")
    )
    saved_s = float(finding.data["cost_s"])
    monitor, mode, patience = finding.data["monitor"], finding.data["mode"], finding.data["patience"]
    given = f'monitor="{monitor}"' + (', mode="max"' if mode == "max" else "")
    yield Proposal(
        changes=(),
        how=f"keras.callbacks.EarlyStopping({given}, patience={patience}, restore_best_weights=True)",
        untried="A training that ends earlier is another training. On this curve it keeps the best epoch.",
        unit_ratio=whole_s / (whole_s - saved_s) if 0 < saved_s < whole_s else None,
    )
