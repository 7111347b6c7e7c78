"""Makes the batches of a `PyDataset` or a `DataLoader` with fewer workers, none, or threads in place of processes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from fitdoctor.changes.model import Change, SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.loader_workers import REORDERED, changes_shuffle_order, safety_of
from fitdoctor.facts.input.workers import Workers, workers_of
from fitdoctor.facts.locations import place
from fitdoctor.facts.savings import ratio_without
from fitdoctor.recording.model import Fit
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "fewer workers"
TREATS = ("worker-overhead",)
SAFETY = "exact"
UNIT = "step"


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    workers = workers_of(record)
    if workers is None:
        return
    if workers.call == "DataLoader":
        yield from _processes(record, workers)
    if workers.call in ("DataLoader", "grain"):
        return
    where = place(workers.site or record.site)
    changes: list[Change] = []
    if workers.processes:
        changes.append(SetArgument(place=where, call=workers.call, argument="use_multiprocessing", value=False))
        if workers.count > 1:
            how = f"the {workers.data} without use_multiprocessing=True"
            yield Proposal(changes=tuple(changes), how=how, label=f"{workers.count} threads")
    if workers.count > 1:
        changes.append(SetArgument(place=where, call=workers.call, argument="workers", value=1))
    how = f"the {workers.data} with workers=1 and without use_multiprocessing"
    yield Proposal(changes=tuple(changes), how=how, label="none")
    if finding.measured:
        untried = "Not timed: the saving is the measured time to end and start processes."
        yield Proposal(
            changes=(), how=how, unit="call", untried=untried, unit_ratio=ratio_without(facts, finding, "restarts_s")
        )


def _processes(record: Fit, workers: Workers) -> Iterator[Proposal]:
    """Proposes half of the processes, and none."""
    if record.operations[0].arguments.get("iterable"):
        untried = (
            "Its dataset is an IterableDataset: what it gives may depend on how many workers there are, so this is "
            "left to you."
        )
        yield Proposal(changes=(), how=workers.written("num_workers=0"), label="none", untried=untried)
        return
    where = place(workers.site or record.site)
    for count in dict.fromkeys((workers.count // 2, 0)):
        changes = [SetArgument(place=where, call=workers.call, argument="num_workers", value=count)]
        if not count and workers.persistent:
            changes.append(SetArgument(place=where, call=workers.call, argument="persistent_workers", value=False))
        persistent = bool(count and workers.persistent)
        how = workers.written(f"num_workers={count}")
        if not count and (
            workers.persistent or "prefetch_factor" in (workers.site.arguments if workers.site is not None else ())
        ):
            how += ", and without what else is for workers only (prefetch_factor, persistent_workers)"
        if changes_shuffle_order(record, workers, count, persistent=persistent):
            how += REORDERED
        proposal = Proposal(
            changes=tuple(changes),
            how=how,
            label=str(count) if count else "none",
            safety=safety_of(record, workers, count, persistent=persistent),
        )
        yield proposal
        if workers.restarted and not count:  # the steps themselves do not show this
            yield replace(proposal, unit="epoch")
