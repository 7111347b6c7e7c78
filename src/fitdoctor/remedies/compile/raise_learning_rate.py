"""Trains at a higher learning rate. Everything else stays."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "higher learning rate"
TREATS = ("low-learning-rate",)
SAFETY = "semantics"
UNIT = "race"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    for rate in finding.data["rates"]:
        change = SetArgument(
            place=place(record.compile_site or record.site), call="Model.compile", argument="learning_rate", value=rate
        )
        yield Proposal(changes=(change,), how=f"{record.optimizer}(learning_rate={rate:g})", label=f"{rate:g}")
