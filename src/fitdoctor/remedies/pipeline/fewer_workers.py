"""Makes the batches of a `PyDataset` without workers, and with threads in place of processes."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import Change, SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.places import place
from fitdoctor.facts.savings import ratio_without
from fitdoctor.facts.workers import workers_of
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
        untried = "Not timed: it follows from leaving out what ending and starting processes takes."
        yield Proposal(changes=(), how=how, unit="call", untried=untried, unit_ratio=ratio_without(facts, finding, "restarts_s"))
