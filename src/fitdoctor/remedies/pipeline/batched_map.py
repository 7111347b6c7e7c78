"""Runs maps on whole batches: after `batch` instead of before it."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SwapCalls
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.pipeline import maps_before_batch
from fitdoctor.facts.locations import operation_place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "map on batches"
TREATS = ("per-sample-map",)
SAFETY = "exact"
UNIT = "step"

# The plain swap is faster. `vectorized_map` also runs functions that only work on a single sample. A function that
# draws random numbers then draws others for each sample.
WAYS = (
    ("plain", False, "dataset.batch(…).map(function)"),
    ("vectorized", True, "dataset.batch(…).map(lambda *batch: tf.vectorized_map(lambda row: function(*row), batch))"),
)


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    for found in maps_before_batch(facts.fits[finding.fit].record):
        batch = operation_place(found.batch)
        maps = [operation_place(step) for step in found.maps]
        if found.batch.position != finding.data.get("batch") or batch is None or None in maps:
            continue
        random = any(step.stateful for step in found.maps)
        for label, vectorized, how in WAYS:
            if random and not vectorized:
                continue
            changes = tuple(SwapCalls(place=where, batch=batch, vectorized=vectorized) for where in maps if where)
            yield Proposal(changes=changes, how=how, label=label, safety="semantics" if random else None)
