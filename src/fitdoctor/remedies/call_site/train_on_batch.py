"""Replaces a fit on one batch by its one step."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import ReplaceCall
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "train_on_batch in place of fit"
TREATS = ("fit-in-a-loop",)
SAFETY = "exact"
UNIT = "call"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    if record.one_batch_calls < record.calls:  # some calls make more than one step
        return
    change = ReplaceCall(place=place(record.site), call="fit", replacement="train_on_batch")
    yield Proposal(changes=(change,), how="model.train_on_batch(…) in place of model.fit(…)")
