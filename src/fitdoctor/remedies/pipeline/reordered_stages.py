"""Moves a stage of the pipeline to a place where it saves work."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import MoveCall
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.stage_order import misplaced
from fitdoctor.facts.locations import operation_place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "reordered stages"
TREATS = ("misordered-stages",)
SAFETY = "exact"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    for found in misplaced(facts.fits[finding.fit].record):
        where, behind = operation_place(found.stage), operation_place(found.behind)
        if where is None or behind is None or found.stage.position != finding.data.get("stage"):
            continue
        yield Proposal(
            changes=(MoveCall(place=where, behind=behind),),
            how=f"move .{found.stage.name}(…) (line {where.line}) after {found.behind.name}() (line {behind.line})",
            label=found.stage.name,
            unit=found.unit,
        )
