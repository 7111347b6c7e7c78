"""Caches the elements of the first pass in memory, before shuffling and augmentation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fitdoctor.changes.model import Change, InsertCall, MoveCall
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.caching import CachePoint, cache_point
from fitdoctor.facts.input.data_passes import data_passes
from fitdoctor.facts.input.stalls import stalls_matter
from fitdoctor.facts.locations import operation_place
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "cache"
TREATS = ("repeated-preprocessing", "python-in-pipeline")
SAFETY = "exact"
UNIT = "step"

# The share of the machine's memory that a cache may take. The trial checks the free memory.
MEMORY_SHARE = 0.5


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    fit = facts.fits[finding.fit]
    point = cache_point(fit.record)
    where = operation_place(point.behind) if point else None
    if point is None or where is None or data_passes(fit) <= 1:
        return
    changes: list[Change] = [InsertCall(place=where, call="cache")]
    how = f"put .cache() after {point.behind.name}() (line {where.line})"
    if point.shuffle is not None:
        shuffle = operation_place(point.shuffle)
        if shuffle is None:
            return
        changes.append(MoveCall(place=shuffle, behind=where))
        how += f", and move .shuffle(…) (line {shuffle.line}) after that"
    held = _bytes(point)
    if held is not None and held > MEMORY_SHARE * facts.scout.environment.get("memory_bytes", float("inf")):
        yield Proposal(
            changes=(),
            how=how.replace(".cache()", '.cache("a file")'),
            untried=f"It would hold {held / 1e9:,.0f} GB, more than half of the memory, and to fill a file takes a "
            "whole epoch.",
        )
        return
    proposal = Proposal(changes=tuple(changes), how=how)
    yield proposal
    if stalls_matter(facts, fit):
        yield replace(proposal, unit="epoch")


def _bytes(point: CachePoint) -> int | None:
    """The size of the cache, if shapes and length are known beforehand."""
    size, count = point.behind.element_bytes, point.behind.cardinality
    return None if size is None or count is None or count < 0 else size * count
