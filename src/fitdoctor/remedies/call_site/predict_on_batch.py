"""Calls the compiled function on one batch, without the set-up of `predict` or `evaluate`."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import ReplaceCall
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "one batch per call"
TREATS = ("predict-in-a-loop",)
SAFETY = "exact"
UNIT = "call"

REPLACEMENTS = {"predict": "predict_on_batch", "evaluate": "test_on_batch"}


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.loop is None:
        return
    record = facts.loops[finding.loop].record
    replacement = REPLACEMENTS.get(record.kind)
    if replacement is None:
        return
    change = ReplaceCall(place=place(record.site), call=record.kind, replacement=replacement)
    yield Proposal(changes=(change,), how=f"model.{replacement}(…) in place of model.{record.kind}(…)")
