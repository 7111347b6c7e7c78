"""Casts the data once, before the training, to the type that the model computes with."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import ConvertArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.containers import NARROW, array_source, wide_inputs
from fitdoctor.facts.locations import operation_place, place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "narrower numbers"
TREATS = ("wide-dtype",)
SAFETY = "numerics"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    dtypes = {part.dtype: NARROW[part.dtype] for part in wide_inputs(record)}
    if not dtypes:
        return
    casts = " and ".join(f'.astype("{narrow}")' for narrow in dtypes.values())
    if record.input_kind == "arrays":
        change = ConvertArgument(place=place(record.site), call="Model.fit", argument="x", dtypes=dtypes)
        yield Proposal(changes=(change,), how=f"x = x{casts} once, before fit")
        return
    source = array_source(record)
    where = operation_place(source) if source else None
    if source is None or where is None:
        yield Proposal(
            changes=(),
            how=f"cast where the numbers are made: tf.cast(features, tf.{next(iter(dtypes.values()))})",
            untried="It is not known where the pipeline makes these numbers. Cast them there by hand.",
        )
        return
    change = ConvertArgument(place=where, call=source.name, argument="tensors", dtypes=dtypes)
    yield Proposal(changes=(change,), how=f"tf.data.Dataset.{source.name}(…{casts})")
