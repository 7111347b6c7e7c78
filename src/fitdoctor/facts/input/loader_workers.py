"""Which other workers a `DataLoader` may have, and whether they change its batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fitdoctor.facts.input.containers import slow_containers
from fitdoctor.facts.input.workers import Workers
from fitdoctor.recording.model import Fit
from fitdoctor.report.model import Safety

if TYPE_CHECKING:
    from fitdoctor.facts.facts import Facts

# The only way to start processes that does not run a script without `if __name__ == "__main__"` again in each of them.
FORK = "fork"
# The module of files that must not be open in two processes at once.
UNSHARED = "h5py."


def why_no_more_workers(facts: Facts, record: Fit, workers: Workers) -> str:
    """Why more worker processes can't be tried for a fit, as a sentence. Empty if they can."""
    known = record.operations[0].arguments
    if workers.call == "grain":
        return (
            "Grain sends its new processes the whole input, which not every input survives, so it was not tried. "
            "Try it yourself."
        )
    if known.get("iterable"):
        return (
            "Its dataset is an IterableDataset. Each worker returns every sample unless the dataset reads "
            "torch.utils.data.get_worker_info(). Check that it does before you add workers."
        )
    files = [part.name for part in slow_containers(record) if part.container.startswith(UNSHARED)]
    if files:
        return (
            f"{', '.join(files)} is an open HDF5 file, which processes can't share. Open it in each worker, at its "
            "first sample."
        )
    if workers.count:
        return ""
    if facts.backend != "torch":
        return (
            "Workers would be forked from a process in which another framework than PyTorch runs. They may hang, so "
            "it was not tried."
        )
    if known.get("start_method") != FORK:
        return (
            "Workers would import the script again, so its training must be under "
            'if __name__ == "__main__". It was not tried.'
        )
    return ""


def changes_shuffle_order(record: Fit, workers: Workers, count: int, *, persistent: bool) -> bool:
    """Whether a shuffle uses other orders from the second epoch on with other workers.

    The shuffle draws each order from a generator, and each iterator draws a number from the same generator. At the end
    of each epoch Keras starts one iterator too many. Workers draw an order for it, but a loader without workers draws
    only when a batch is needed. Persistent workers draw their own number only once.
    """
    as_before = (count > 0, persistent) == (workers.count > 0, workers.persistent)
    return bool(record.operations[0].arguments.get("shuffled")) and not as_before


def safety_of(record: Fit, workers: Workers, count: int, *, persistent: bool) -> Safety:
    """The safety of other workers for a `DataLoader`.

    Samples keep their order, but each worker draws its own random numbers.
    """
    known = record.operations[0]
    same = not known.stateful and known.arguments.get("in_order", True)
    return "exact" if same and not changes_shuffle_order(record, workers, count, persistent=persistent) else "semantics"


# Added to the description of a change that gives a shuffle other orders.
REORDERED = " (from the second epoch on, its shuffle uses other orders)"
