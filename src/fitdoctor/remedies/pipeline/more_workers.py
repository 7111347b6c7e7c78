"""Makes the batches of a `PyDataset` in several threads."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.places import place
from fitdoctor.facts.workers import workers_of
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "more workers"
TREATS = ("idle-workers",)
SAFETY = "exact"
UNIT = "step"

#: Tried as far as they are no more than twice the cores: threads that wait for a disk need none of their own. The two largest do.
COUNTS = (2, 4, 8)
WAYS = 2


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    workers = workers_of(record)
    if workers is None:
        return
    most = 2 * int(facts.scout.environment.get("cores", 1))
    where = place(workers.site or record.site)
    for count in [count for count in COUNTS if workers.count < count <= most][-WAYS:]:
        change = SetArgument(place=where, call=workers.call, argument="workers", value=count)
        yield Proposal(changes=(change,), how=workers.written(f"workers={count}"), label=str(count))
    yield Proposal(
        changes=(),
        how=workers.written("use_multiprocessing=True"),
        label="processes",
        untried="Processes are forked from one in which TensorFlow runs: they may hang, so this is left to you.",
    )
