"""Predicts all rows of a loop in one call."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.facts import Facts
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "one call on all rows"
TREATS = ("predict-in-a-loop",)
SAFETY = "exact"
UNIT = "call"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.loop is None:
        return
    kind = facts.loops[finding.loop].record.kind
    yield Proposal(
        changes=(),
        how=f"model.{kind}(…) once, on all rows, before the loop",
        untried="Only you know whether a call depends on the result of the one before it.",
    )
