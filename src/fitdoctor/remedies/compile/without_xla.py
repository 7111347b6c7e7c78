"""Runs the step in TensorFlow's own graphs, or in PyTorch without `torch.compile`, for any shape."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "no XLA"
TREATS = ("recompilation",)
SAFETY = "numerics"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None or facts.backend == "jax":  # nothing else compiles there
        return
    record = facts.fits[finding.fit].record
    change = SetArgument(
        place=place(record.compile_site or record.site), call="Model.compile", argument="jit_compile", value=False
    )
    yield Proposal(
        changes=(change,),
        how="model.compile(…, jit_compile=False)",
        untried="Each shape is compiled once: steps that a trial repeats don't show what that costs. Compare whole "
        "runs.",
    )
