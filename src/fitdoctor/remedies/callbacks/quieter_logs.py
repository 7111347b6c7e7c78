"""Logs once an epoch instead of once a batch."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import Change, SetArgument, ThrottleHook
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import CallbackRecord, Fit
from fitdoctor.remedies.base import BATCHES_APART, Finding, Proposal

TITLE = "logging by epoch"
TREATS = ("blocking-logs",)
SAFETY = "exact"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    callback = record.callbacks[finding.data["callback"]]
    changes, how = _ways(record, callback, finding.data["hooks"])
    yield Proposal(changes=changes, how=how, label=callback.name, untried=_unsafe_reason(callback))


def _ways(record: Fit, callback: CallbackRecord, hooks: list[str]) -> tuple[tuple[Change, ...], str]:
    where = place(callback.site or record.site)
    if callback.name == "ProgbarLogger":
        return (
            SetArgument(place=place(record.site), call="Model.fit", argument="verbose", value=2),
        ), "model.fit(…, verbose=2)"
    if callback.name == "TensorBoard" and callback.attributes.get("update_freq", "epoch") != "epoch":
        change = SetArgument(
            place=where, call=callback.name, argument="update_freq", value="epoch", index=callback.index
        )
        return (change,), 'TensorBoard(…, update_freq="epoch")'
    throttled = (
        ThrottleHook(place=where, call=callback.name, hook=hook, every=BATCHES_APART, index=callback.index)
        for hook in hooks
    )
    return tuple(throttled), f"{callback.name}: log every {BATCHES_APART} batches"


def _unsafe_reason(callback: CallbackRecord) -> str:
    if callback.steers or callback.may_stop:
        return f"{callback.name} acts on the training. Called less often, it makes another training."
    return ""
