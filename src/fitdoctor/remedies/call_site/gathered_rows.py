"""Passes all rows of a loop in one call, or at least in whole batches."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.call_site import TINY_ROWS
from fitdoctor.facts.facts import Facts
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "whole batches in place of single rows"
TREATS = ("unbatched-training-loop", "fit-in-a-loop")
SAFETY = "semantics"
UNIT = "call"

WHY = "Fewer, larger updates are another training. Only you know whether the loop allows them."


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.loop is not None:
        kind, ratio = facts.loops[finding.loop].record.kind, facts.measured.gathered.get(finding.loop)
        how = f"model.{kind}(…) on 32 rows at a time, or model.fit(…) on all of them"
        yield Proposal(changes=(), how=how, untried=WHY, unit_ratio=ratio.mid if ratio is not None else None)
    elif finding.fit is not None:
        record = facts.fits[finding.fit].record
        if record.one_batch_calls == record.calls and record.rows is not None and record.rows <= TINY_ROWS:
            yield Proposal(
                changes=(), how="one model.fit(…) or model.train_on_batch(…) on all rows of the loop", untried=WHY
            )
