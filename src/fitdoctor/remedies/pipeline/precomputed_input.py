"""Runs the Python code of the input once, and feeds its results as arrays."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import Precompute
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.pipeline import python_operations
from fitdoctor.facts.locations import operation_place, place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "input made once"
TREATS = ("python-in-pipeline", "slow-generator")
SAFETY = "exact"
UNIT = "step"

# Inputs that no trial makes once, and what to write instead.
LOADERS = {
    "dataloader": "make the samples once, before fit, and give it a TensorDataset's DataLoader, or the arrays: "
    "model.fit(x, y, …)",
    "grain": "make the samples once, before fit, and give it the arrays: model.fit(x, y, …)",
}


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    if record.input_kind in ("generator", "pydataset"):
        change = Precompute(place=place(record.site), call="Model.fit", argument="x")
        yield Proposal(
            changes=(change,), how="make the batches once, before fit, and give it the arrays: model.fit(x, y, …)"
        )
        return
    if record.input_kind in LOADERS:
        yield Proposal(
            changes=(),
            how=LOADERS[record.input_kind],
            untried="Only you know whether each epoch needs new samples.",
        )
        return
    for step in python_operations(record):
        where = operation_place(step)
        if where is None:
            continue
        if step.name == "from_generator":
            change = Precompute(place=where, call="from_generator", argument="generator")
            how = "tf.data.Dataset.from_tensor_slices((x, y))  # of arrays that the generator filled once"
            yield Proposal(changes=(change,), how=how, label=f"line {where.line}")
        else:
            yield Proposal(
                changes=(),
                how=f"write the function of {step.name}() with TensorFlow operations, or run it once before training",
                label=f"line {where.line}",
                untried="Python inside a pipeline can only be rewritten by hand.",
            )
