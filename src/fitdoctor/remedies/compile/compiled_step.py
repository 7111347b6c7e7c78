"""Compiles the step: turns the eager switches off."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import Change, SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.locations import place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "compiled step"
TREATS = ("eager-execution",)
SAFETY = "numerics"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    where = place(record.compile_site or record.site)
    changes: list[Change] = []
    how: list[str] = []
    if record.run_eagerly:
        changes.append(SetArgument(place=where, call="Model.compile", argument="run_eagerly", value=False))
        how.append("model.compile(…) without run_eagerly=True")
    if facts.backend == "jax" and not record.jit_compile:
        changes.append(SetArgument(place=where, call="Model.compile", argument="jit_compile", value=True))
        if not record.run_eagerly:
            how.append("model.compile(…) without jit_compile=False")
    if record.eager_globally:
        switch = "tf.config.run_functions_eagerly"
        switched = place(record.eager_site) if record.eager_site else where
        changes.append(SetArgument(place=switched, call=switch, argument="run_eagerly", value=False))
        how.append(f"no {switch}(True)")
    yield Proposal(changes=tuple(changes), how=", ".join(how))
