"""Shuffles with a smaller buffer."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.shuffles import large_shuffles, smaller_buffer
from fitdoctor.facts.locations import operation_place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "smaller shuffle buffer"
TREATS = ("oversized-shuffle",)
SAFETY = "semantics"
UNIT = "epoch"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    for step, holds in large_shuffles(record):
        where = operation_place(step)
        if where is None or step.position != finding.data.get("position"):
            continue
        size = smaller_buffer(record, step, holds)
        change = SetArgument(place=where, call="shuffle", argument="buffer_size", value=size)
        yield Proposal(changes=(change,), how=f"dataset.shuffle({size})", label=str(size))
