"""Keeps the input running from epoch to epoch, with `repeat` or with persistent workers."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import InsertCall, SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.loader_workers import REORDERED, safety_of
from fitdoctor.facts.input.pipeline import user_chain
from fitdoctor.facts.input.workers import workers_of
from fitdoctor.facts.locations import operation_place, place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "input that goes on"
TREATS = ("first-batch-stall",)
# After a shuffle, a batch may hold samples of two passes.
SAFETY = "semantics"
UNIT = "epoch"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit = facts.fits[finding.fit]
    chain = user_chain(fit.record)
    workers = workers_of(fit.record)
    if workers is not None and workers.restarted:
        made = place(workers.site or fit.record.site)
        change = SetArgument(place=made, call=workers.call, argument="persistent_workers", value=True)
        safety = safety_of(fit.record, workers, workers.count, persistent=True)
        how = workers.written("persistent_workers=True") + (REORDERED if safety != "exact" else "")
        yield Proposal(changes=(change,), how=how, label="workers kept", safety=safety)
        return
    if (
        fit.record.input_kind != "tf.data"
        or not chain
        or not fit.steps_known
        or any(step.name == "repeat" for step in chain)
    ):
        return
    # If repeat directly follows a shuffle, tf.data fills the buffer for the next pass while this pass ends.
    shuffles = [step for step in chain if step.name == "shuffle"]
    ends = [step for step in chain if step.name != "prefetch"]
    behind = shuffles[-1] if shuffles else ends[-1]
    where = operation_place(behind)
    if where is None:
        return
    steps = SetArgument(
        place=place(fit.record.site), call="Model.fit", argument="steps_per_epoch", value=fit.steps_per_epoch
    )
    yield Proposal(
        changes=(InsertCall(place=where, call="repeat"), steps),
        how=f"put .repeat() after {behind.name}() (line {where.line}), and give fit "
        f"steps_per_epoch={fit.steps_per_epoch}",
    )
