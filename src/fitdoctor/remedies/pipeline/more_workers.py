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
# Of a `DataLoader` whose dataset draws random numbers, each worker draws others.
SAFETY = "exact"
UNIT = "step"

# Tried as far as they are no more than twice the cores: threads that wait for a disk need none of their own. The two
# largest do.
COUNTS = (2, 4, 8)
WAYS = 2
# Of a `Sequence`: its pipeline reads ahead, and asks for a batch beyond the last one with so much patience.
WAITED_FOR = (
    "At the end of each epoch, tf_keras waits up to 5 s for such workers, which trials of steps do not show. "
    "It pays where an epoch becomes shorter by more than that."
)
# How more processes are asked for that were not tried.
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
        untried="Processes are forked from one in which TensorFlow runs: they may hang, so this is left to you.",
    )


def _processes(facts: Facts, record: Fit, workers: Workers, counts: list[int]) -> Iterator[Proposal]:
    """Other numbers of processes, which are kept from epoch to epoch unless that alone would give a shuffle other
    orders.
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
