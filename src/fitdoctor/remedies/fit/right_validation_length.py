"""Scores each validation sample once."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "one pass over the validation data"
TREATS = ("overlong-epoch",)
SAFETY = "exact"
UNIT = "validation"

ARGUMENT = "validation_steps"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None or finding.data["argument"] != ARGUMENT:
        return
    batches = int(finding.data["batches"])
    change = SetArgument(
        place=place(facts.fits[finding.fit].record.site), call="Model.fit", argument=ARGUMENT, value=batches
    )
    yield Proposal(changes=(change,), how=f"model.fit(…, {ARGUMENT}={batches})")
