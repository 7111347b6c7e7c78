"""Makes the next batches while the current batch is computed."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import InsertCall
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.facts.locations import operation_place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "prefetch"
TREATS = ("missing-prefetch",)
SAFETY = "exact"
UNIT = "step"

# Two batches ahead hide an occasional late batch. More costs memory and gains nothing on average.
BATCHES_AHEAD = 2


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    chain = user_chain(facts.fits[finding.fit].record)
    where = operation_place(chain[-1]) if chain else None
    if where is None:
        return
    change = InsertCall(place=where, call="prefetch", arguments={"buffer_size": BATCHES_AHEAD})
    yield Proposal(changes=(change,), how=f"dataset = dataset.prefetch({BATCHES_AHEAD})  # at the end of the pipeline")
