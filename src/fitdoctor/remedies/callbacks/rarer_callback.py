"""Runs the hooks of a callback less often."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import ThrottleHook
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.hook_kinds import hook_kind
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import CallbackRecord
from fitdoctor.remedies.base import BATCHES_APART, EPOCHS_APART, Finding, Proposal, Unit

TITLE = "callback less often"
TREATS = ("slow-callback",)
SAFETY = "exact"
UNIT = "epoch_end"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    callback = record.callbacks[finding.data["callback"]]
    site = place(callback.site or record.site)
    # Trials time steps and the ends of epochs. Other hooks have no unit for a trial.
    ways: tuple[tuple[Unit, list[str], int, str], ...] = (
        ("step", [hook for hook in finding.data["hooks"] if hook_kind(hook) == "batch"], BATCHES_APART, "batches"),
        ("epoch_end", [hook for hook in finding.data["hooks"] if hook == "on_epoch_end"], EPOCHS_APART, "epochs"),
    )
    for unit, hooks, every, noun in ways:
        if not hooks:
            continue
        yield Proposal(
            changes=tuple(
                ThrottleHook(place=site, call=callback.name, hook=hook, every=every, index=callback.index)
                for hook in hooks
            ),
            how=f"{callback.name}: do the work of {' and '.join(hooks)} every {every} {noun}",
            label=f"every {every} {noun}",
            unit=unit,
            untried=_unsafe_reason(callback),
        )


def _unsafe_reason(callback: CallbackRecord) -> str:
    if callback.steers:
        return (
            f"{callback.name} changes weights, learning rate or other state: called less often it makes another "
            "training."
        )
    if callback.may_stop:
        return f"{callback.name} may stop the training. Called less often, it would stop it later."
    return ""
