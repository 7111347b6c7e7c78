"""Validates in larger batches."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "larger validation batches"
TREATS = ("excessive-validation",)
SAFETY = "numerics"
UNIT = "validation"

FACTORS = (8, 32)
# A larger batch gains nothing on a CPU, and its activations may not fit into a GPU's memory.
LARGEST_BATCH = 1024
# Kinds of validation data with batches of their own. The argument has no effect on them.
BATCHED_ALREADY = frozenset({"tf.data", "generator", "pydataset", "dataloader"})


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit = facts.fits[finding.fit]
    record = fit.record
    batch = int(finding.data["batch"])
    rows = batch * fit.validation_steps
    if record.validation_kind in BATCHED_ALREADY:
        how = "larger batches in the validation dataset"
        yield Proposal(changes=(), how=how, untried="The validation data brings its own batches.")
        return
    sizes = {min(batch * factor, rows, LARGEST_BATCH) for factor in FACTORS}
    for size in sorted(size for size in sizes if size > batch):
        change = SetArgument(place=place(record.site), call="Model.fit", argument="validation_batch_size", value=size)
        yield Proposal(changes=(change,), how=f"model.fit(…, validation_batch_size={size})", label=str(size))
