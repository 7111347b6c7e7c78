"""Runs several steps in one call of the train function."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.hook_kinds import hook_kind
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import Fit
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "several steps per execution"
TREATS = ("dispatch-bound-steps",)
SAFETY = "exact"
UNIT = "step"

# 8 saves most of the fixed cost, 32 nearly all. More only delays callbacks.
SIZES = (8, 32)


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None or facts.scout.environment.get("backend") == "torch":  # Keras refuses it there
        return
    fit = facts.fits[finding.fit]
    record = fit.record
    for size in dict.fromkeys(_fitting(record, size, fit.steps_per_epoch) for size in SIZES):
        if not 1 < size <= fit.steps_per_epoch:
            continue
        change = SetArgument(
            place=place(record.compile_site or record.site),
            call="Model.compile",
            argument="steps_per_execution",
            value=size,
        )
        how = f"model.compile(…, steps_per_execution={size})"
        yield Proposal(changes=(change,), how=how, label=str(size), untried=_unsafe_reason(record))


def _fitting(record: Fit, size: int, steps: int) -> int:
    """The size, or the next smaller one that divides the steps of an epoch if `fit` is given their number.

    Otherwise Keras would fill the last execution of an epoch from the input, which makes more steps.
    """
    return next((each for each in range(size, 1, -1) if steps % each == 0), 1) if record.steps_given else size


def _unsafe_reason(record: Fit) -> str:
    """A sentence if fewer calls of batch hooks would make another training, or nothing."""
    for callback in record.callbacks:
        if (callback.steers or callback.may_stop) and any(hook_kind(hook) == "batch" for hook in callback.hooks):
            return f"{callback.name} acts on the training at each batch, but would be called less often."
    return ""
