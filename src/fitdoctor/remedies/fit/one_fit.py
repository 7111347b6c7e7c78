"""One fit of all epochs in place of many.

No trial is needed to tell what that saves: what each call was measured to take around its steps. What stands between
the calls has to be moved by hand.
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
    ):  # another model or other data each time: one fit can't stand for them
        return
    terms = [
        term for term in facts.projection.terms if term.id.startswith(f"{fit.id}/") and not term.id.endswith("/first")
    ]
    whole_s, saved_s = sum(term.s for term in terms), float(finding.data["cost_s"])
    epochs = record.calls * fit.epochs.mid
    yield Proposal(
        changes=(),
        how=f"model.fit(…, epochs={epochs}, callbacks=[…]) once, what stands in the loop moved into a callback",
        untried=f"Only you can move what stands between the {number(record.calls)} calls into a callback.",
        unit_ratio=whole_s / (whole_s - saved_s) if 0 < saved_s < whole_s else None,
    )
