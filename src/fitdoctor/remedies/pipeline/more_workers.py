"""Makes the batches of a `PyDataset` in several threads, and those of a `DataLoader` in several processes."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.changes.model import SetArgument
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.loader_workers import REORDERED, changes_shuffle_order, safety_of, why_no_more_workers
from fitdoctor.facts.input.workers import Workers, workers_of
from fitdoctor.facts.locations import place
from fitdoctor.recording.model import Fit
from fitdoctor.remedies.base import Finding, Proposal

TITLE = "more workers"
TREATS = ("idle-workers",)
# Each worker of a `DataLoader` draws other random numbers.
SAFETY = "exact"
UNIT = "step"

# Numbers of workers to try, up to twice the cores. Threads that wait for a disk need no core.
COUNTS = (2, 4, 8)
# How many of them are tried: the largest ones.
WAYS = 2
# tf_keras reads ahead beyond the last batch of a `Sequence`, and waits for it.
WAITED_FOR = (
    "At the end of each epoch, tf_keras waits up to 5 s for such workers, which trials of steps do not show. "
    "It pays where an epoch becomes shorter by more than that."
)
# How to set more processes that are not tried.
GRAIN = (
    ".to_iter_dataset().mp_prefetch(grain.MultiprocessingOptions(num_workers={count})), or worker_count={count} for "
    "a grain.DataLoader"
)


def propose(finding: Finding, facts: Facts) -> Iterator[Proposal]:
    if finding.fit is None:
        return
    record = facts.fits[finding.fit].record
    workers = workers_of(record)
    if workers is None:
        return
    most = 2 * int(facts.scout.environment.get("cores", 1))
    counts = [count for count in COUNTS if workers.count < count <= most][-WAYS:]
    if workers.call in ("DataLoader", "grain"):
        yield from _processes(facts, record, workers, counts)
        return
    if workers.call == "Model.fit":
        if counts:
            yield Proposal(changes=(), how=workers.written(f"workers={counts[-1]}"), untried=WAITED_FOR)
        return
    where = place(workers.site or record.site)
    for count in counts:
        change = SetArgument(place=where, call=workers.call, argument="workers", value=count)
        yield Proposal(changes=(change,), how=workers.written(f"workers={count}"), label=str(count))
    yield Proposal(
        changes=(),
        how=workers.written("use_multiprocessing=True"),
        label="processes",
        untried="Not tried: processes are forked from a process in which TensorFlow runs, and may hang.",
    )


def _processes(facts: Facts, record: Fit, workers: Workers, counts: list[int]) -> Iterator[Proposal]:
    """Proposes other numbers of processes.

    They are persistent, unless that alone would change the orders of a shuffle.
    """
    untried = why_no_more_workers(facts, record, workers)
    if untried:
        count = max(2, int(facts.scout.environment.get("cores", 1)))
        written = (
            GRAIN.format(count=count)
            if workers.call == "grain"
            else workers.written(f"num_workers={count}, persistent_workers=True")
        )
        yield Proposal(changes=(), how=written, untried=untried)
        return
    for count in counts:
        alone = not changes_shuffle_order(
            record, workers, count, persistent=workers.persistent
        ) and changes_shuffle_order(record, workers, count, persistent=True)
        yield _proposal(record, workers, count, persistent=not alone)


def _proposal(record: Fit, workers: Workers, count: int, *, persistent: bool) -> Proposal:
    where = place(workers.site or record.site)
    changes = [SetArgument(place=where, call=workers.call, argument="num_workers", value=count)]
    if persistent != workers.persistent:
        changes.append(SetArgument(place=where, call=workers.call, argument="persistent_workers", value=persistent))
    written = ", ".join(f"{change.argument}={change.value}" for change in changes)
    return Proposal(
        changes=tuple(changes),
        how=workers.written(written)
        + (REORDERED if changes_shuffle_order(record, workers, count, persistent=persistent) else ""),
        label=str(count),
        safety=safety_of(record, workers, count, persistent=persistent),
    )
