"""Lets `TensorBoard` write scalars only."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.callbacks import heavy_logging
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "scalars only"
TREATS = ("histogram-logging",)
SAFETY = "exact"
UNIT = "epoch_end"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    callback = record.callbacks[finding.data["callback"]]
    where = place(callback.site or record.site)
    off = heavy_logging(callback)
    changes = tuple(
        SetArgument(place=where, call=callback.name, argument=name, value=value, index=callback.index)
        for name, value in off.items()
    )
    how = f"{callback.name}(…) without " + ", ".join(f"{name}={callback.attributes[name]!r}" for name in off)
    yield Proposal(changes=changes, how=how)
