"""Trains on larger batches, with the same and with a scaled learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from fitdoctor.changes.model import Change, SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.batches import TINY, batch_stage, can_grow, grown_sizes
from fitdoctor.facts.locations import operation_place, place
from fitdoctor.recording.defaults import DEFAULT_BATCH_SIZE
from fitdoctor.recording.model import Fit
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "larger batch"
TREATS = ("tiny-batches", "dispatch-bound-steps")
SAFETY = "semantics"
UNIT = "race"

# Optimizers whose steps grow with the gradient. Their rate grows in proportion to the batch, other rates with its root.
PROPORTIONAL = frozenset({"SGD"})


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit = facts.fits[finding.fit]
    record, sizes = fit.record, grown_sizes(fit) if can_grow(fit.record) else []
    if finding.cause == "dispatch-bound-steps" and not TINY < (record.batch_size or 0) <= DEFAULT_BATCH_SIZE:
        return  # smaller batches have a cause of their own, and larger ones gain little
    for size in sizes:
        scaled = _scaled_rate(record, size)
        rates = (None,) if scaled is None else (scaled, None) if size == sizes[-1] else (scaled,)
        for rate in rates:
            changes, how = _batch(record, size)
            label = str(size)
            if rate is not None:
                where = place(record.compile_site or record.site)
                changes.append(SetArgument(place=where, call="Model.compile", argument="learning_rate", value=rate))
                how = f"{how} and {record.optimizer}(learning_rate={rate:g})"
                label = f"{size} at rate {rate:g}"
            yield Proposal(changes=tuple(changes), how=how, label=label)


def _batch(record: Fit, size: int) -> tuple[list[Change], str]:
    stage = batch_stage(record)
    where = operation_place(stage) if stage is not None and record.input_kind == "tf.data" else None
    if where is not None and stage is not None:
        return [SetArgument(place=where, call=stage.name, argument="batch_size", value=size)], f".{stage.name}({size})"
    change = SetArgument(place=place(record.site), call="Model.fit", argument="batch_size", value=size)
    return [change], f"model.fit(…, batch_size={size})"


def _scaled_rate(record: Fit, size: int) -> float | None:
    """The learning rate for a larger batch, or None if a schedule sets it."""
    if record.learning_rate is None or not record.batch_size:
        return None
    growth = size / record.batch_size
    return float(f"{record.learning_rate * (growth if record.optimizer in PROPORTIONAL else sqrt(growth)):.3g}")
