"""Puts a layer in front of the model that subtracts the mean of each feature and divides it by its deviation."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import ScaleInput
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "standardised inputs"
TREATS = ("unscaled-inputs",)
SAFETY = "semantics"
UNIT = "race"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    parts, together = list(finding.data["parts"]), bool(finding.data["together"])
    change = ScaleInput(place=place(record.site), call="Model.fit", argument="x", parts=parts, together=together)
    layer = "keras.layers.Normalization(axis=None)" if together else "keras.layers.Normalization()"
    data = parts[0] if record.input_kind == "arrays" else "dataset.map(lambda x, y: x)"
    more = f", one each for {', '.join(parts)}" if len(parts) > 1 else ""
    yield Proposal(changes=(change,), how=f"scale = {layer}; scale.adapt({data})  # first layer of the model{more}")
