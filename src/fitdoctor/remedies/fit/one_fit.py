"""Replaces many fits by one fit of all epochs.

No trial is needed: it saves the measured time of each call beside its steps. The code between the calls has to be moved
by hand.
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.facts import Facts
from fitdoctor.remedies.base import Finding, Proposal
from fitdoctor.wording import number

TITLE = "one fit with callbacks"
TREATS = ("fit-in-a-loop",)
SAFETY = "exact"
UNIT = "call"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit = facts.fits[finding.fit]
    record = fit.record
    if (
        record.models != 1 or record.data_objects != 1
    ):  # another model or other data each time: one fit can't replace them
        return
    terms = [
        term for term in facts.projection.terms if term.id.startswith(f"{fit.id}/") and not term.id.endswith("/first")
    ]
    whole_s, saved_s = sum(term.s for term in terms), float(finding.data["cost_s"])
    epochs = record.calls * fit.epochs.mid
    yield Proposal(
        changes=(),
        how=f"model.fit(…, epochs={epochs}, callbacks=[…]) once, with the rest of the loop in a callback",
        untried=f"Only you can move the code between the {number(record.calls)} calls into a callback.",
        unit_ratio=whole_s / (whole_s - saved_s) if 0 < saved_s < whole_s else None,
    )
