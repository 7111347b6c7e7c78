"""Validates every fifth epoch.

No trial is needed: it saves the measured time of the passes that are left out. The result stays marked as untried.
"""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.callbacks import watches_validation
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import EPOCHS_APART, Finding, Proposal

TITLE = "validation less often"
TREATS = ("excessive-validation",)
SAFETY = "exact"
UNIT = "validation"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    # Where only the batches are small, larger ones are the remedy; fewer scores are a sacrifice that excess alone
    # justifies.
    if finding.fit is None or not finding.data.get("excessive"):
        return
    fit = facts.fits[finding.fit]
    before, after = fit.validation_passes("mid"), fit.validation_passes("mid", EPOCHS_APART)
    if not 0 < after < before:
        return
    how = f"model.fit(…, validation_freq={EPOCHS_APART})"
    watcher = next((callback for callback in fit.record.callbacks if watches_validation(callback)), None)
    if watcher is not None:
        why = f"{watcher.name} may act on the validation score: fewer scores would make another training."
        yield Proposal(changes=(), how=how, untried=why)
        return
    change = SetArgument(place=place(fit.record.site), call="Model.fit", argument="validation_freq", value=EPOCHS_APART)
    why = f"Not timed: it follows from leaving out {before - after} of {before} passes."
    yield Proposal(changes=(change,), how=how, untried=why, unit_ratio=before / after)
