"""Lets maps work on several elements at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.parallel_stages import serial_stages
from fitdoctor.facts.input.stalls import stalls_matter
from fitdoctor.facts.locations import operation_place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "parallel map"
TREATS = ("serial-map",)
# A function that draws random numbers draws others if several elements are mapped at once.
SAFETY = "exact"
UNIT = "step"

# The value of `tf.data.AUTOTUNE`. This process can't import TensorFlow.
AUTOTUNE = -1


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    stages = serial_stages(facts.fits[finding.fit].record)
    changes = tuple(
        SetArgument(place=where, call=step.name, argument="num_parallel_calls", value=AUTOTUNE)
        for step in stages
        if (where := operation_place(step)) is not None
    )
    if changes:
        name = stages[0].name
        random = any(step.stateful for step in stages)
        how = f"dataset.{name}(…, num_parallel_calls=tf.data.AUTOTUNE)"
        proposal = Proposal(changes=changes, how=how, safety="semantics" if random else None)
        yield proposal
        if stalls_matter(facts, facts.fits[finding.fit]):
            yield replace(proposal, unit="epoch")
