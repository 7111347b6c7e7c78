"""Makes an epoch one pass over the data."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "epochs of one pass"
TREATS = ("overlong-epoch",)
SAFETY = "semantics"
UNIT = "step"

ARGUMENT = "steps_per_epoch"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None or finding.data["argument"] != ARGUMENT:
        return
    batches, steps = int(finding.data["batches"]), int(finding.data["steps"])
    change = SetArgument(
        place=place(facts.fits[finding.fit].record.site), call="Model.fit", argument=ARGUMENT, value=batches
    )
    yield Proposal(
        changes=(change,),
        how=f"model.fit(…, {ARGUMENT}={batches})",
        untried=f"Epochs of {batches} steps in place of {steps} are another training. Only its score tells.",
        unit_ratio=steps / batches,
    )
