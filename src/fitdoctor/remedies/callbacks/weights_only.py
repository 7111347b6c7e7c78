"""Lets `ModelCheckpoint` save the weights without the rest of the model."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.checkpoints import LONGEST_PERIOD_S, batches_apart, keeps_the_best
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "weights only"
TREATS = ("frequent-checkpoints",)
SAFETY = "exact"
UNIT = "epoch_end"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    callback = record.callbacks[finding.data["callback"]]
    if callback.name != "ModelCheckpoint" or callback.attributes.get("save_weights_only"):
        return
    every, untried = batches_apart(callback), ""
    if keeps_the_best(callback):
        untried = "It saves when the score improves, which a trial can't cause."
    elif every is not None and every * facts.fits[finding.fit].step_s > LONGEST_PERIOD_S:
        untried = "Its saves are too far apart for a trial."
    change = SetArgument(
        place=place(callback.site or record.site),
        call=callback.name,
        argument="save_weights_only",
        value=True,
        index=callback.index,
    )
    yield Proposal(
        changes=(change,),
        how='ModelCheckpoint("….weights.h5", save_weights_only=True), and load_weights to read it',
        unit="epoch_end" if every is None else "step",
        untried=untried,
    )
