"""What is known of a `DataLoader` that decides which other workers it may have, and what comes out of it then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.input.containers import slow_containers
from fitdoctor.facts.input.workers import Workers
from fitdoctor.recording.model import Fit
from fitdoctor.report.model import Safety

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

#: The one way to start processes in which a script without `if __name__ == "__main__"` does not begin again in each of
#: them.
FORK = "fork"
#: What must not be open in two processes at once.
UNSHARED = "h5py."


def why_no_more_workers(facts: Facts, record: Fit, workers: Workers) -> str:
    """Why more worker processes can't be tried for a fit, as a sentence; empty where they can."""
    known = record.operations[0].arguments
    if workers.call == "grain":
        return (
            "Grain starts its processes anew and sends them the whole input, which not every one survives: this is "
            "left to you."
        )
    if known.get("iterable"):
        return (
            "Its dataset is an IterableDataset, of which each worker gives every sample unless it looks at "
            "torch.utils.data.get_worker_info(): that it does is for you to see to."
        )
    files = [part.name for part in slow_containers(record) if part.container.startswith(UNSHARED)]
    if files:
        return (
            f"{', '.join(files)} is an open HDF5 file, which processes can't share: open it in each worker, at its "
            "first sample."
        )
    if workers.count:
        return ""
    if facts.backend != "torch":
        return (
            "Processes are forked from one in which another framework than PyTorch runs: they may hang, so this is "
            "left to you."
        )
    if known.get("start_method") != FORK:
        return 'Processes would import the script again, which must stand under if __name__ == "__main__" for that: this is left to you.'
    return ""


def changes_shuffle_order(record: Fit, workers: Workers, count: int, *, persistent: bool) -> bool:
    """Whether a shuffle takes other orders from the second epoch on with so many workers, which are kept from epoch to
    epoch or not.

    It draws each order from a generator, from which an iterator takes a number as well. Keras begins an iterator too
    many at the end of each epoch: workers draw an order for it, while a loader without workers waits until it is asked
    for a batch. And workers that are kept draw their own number but once.
    """
    as_before = (count > 0, persistent) == (workers.count > 0, workers.persistent)
    return bool(record.operations[0].arguments.get("shuffled")) and not as_before


def safety_of(record: Fit, workers: Workers, count: int, *, persistent: bool) -> Safety:
    """What comes out of a `DataLoader` then.

    Samples are handed on in their order, but each worker draws random numbers of its own.
    """
    known = record.operations[0]
    same = not known.stateful and known.arguments.get("in_order", True)
    return "exact" if same and not changes_shuffle_order(record, workers, count, persistent=persistent) else "semantics"


#: What is said of a change that gives a shuffle other orders.
REORDERED = " (from the second epoch on, its shuffle takes other orders)"
