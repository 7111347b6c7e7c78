"""Changes the workers of a `PyDataset` or a `DataLoader` for a trial."""

from __future__ import annotations

import copy
import weakref
from typing import Any

from fitdoctor.changes.model import WORKER_ARGUMENTS, Change, SetArgument
from fitdoctor.probe.apply import torch_loaders
from fitdoctor.probe.inputs import kinds

# Inputs that have workers.
KINDS = ("pydataset", "dataloader")


def arranged(dataset: Any, changes: list[Change], *, steady: bool, started: weakref.WeakSet[Any] | None = None) -> Any:
    """A copy of the dataset with changed workers. It shares the data.

    Args:
        dataset: A `PyDataset` or a `DataLoader`.
        changes: Any; only those of workers are made.
        steady: Whether the queue is only as long as its workers need, so that the workers of an idle arm soon stop.
        started: See `torch_loaders.arranged`.
    """
    if kinds.input_kind(dataset) == "dataloader":
        return torch_loaders.arranged(dataset, changes, steady=steady, started=started)
    wanted = {
        change.argument: change.value
        for change in changes
        if isinstance(change, SetArgument) and change.call == "PyDataset"
    }
    if not wanted and not (steady and _queues(dataset)):
        return dataset
    made = copy.copy(dataset)
    for name, value in wanted.items():
        setattr(made, name, value)
    if steady and _queues(made):
        made.max_queue_size = min(made.max_queue_size, made.workers + 1)
    return made


def settings(bound: dict[str, Any], changes: list[Change], *, steady: bool) -> dict[str, Any]:
    """The arguments of fit for the workers in tf_keras, with the changes."""
    wanted = {
        change.argument: change.value for change in changes if isinstance(change, SetArgument) and sets_workers(change)
    }
    made = {name: bound[name] for name in WORKER_ARGUMENTS if name in bound} | wanted
    if (
        steady
        and made.get("max_queue_size")
        and _is_queued(made.get("workers", 1), made.get("use_multiprocessing", False))
    ):
        made["max_queue_size"] = min(made["max_queue_size"], made.get("workers", 1) + 1)
    return made


def sets_workers(change: Change) -> bool:
    """Whether a change sets an argument of fit for the workers in tf_keras."""
    return isinstance(change, SetArgument) and change.call == "Model.fit" and change.argument in WORKER_ARGUMENTS


def held(dataset: Any) -> int:
    """Batches that the workers may have made or begun in advance."""
    if kinds.input_kind(dataset) == "dataloader":
        return torch_loaders.held(dataset)
    return held_by(dataset.workers, dataset.use_multiprocessing, dataset.max_queue_size)


def held_by(workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> int:
    """The same for these settings. The defaults are those of fit."""
    return int(max_queue_size) + 1 if _is_queued(workers, use_multiprocessing) else 0


def _queues(dataset: Any) -> bool:
    """Whether Keras reads this dataset with workers and a queue."""
    return _is_queued(dataset.workers, dataset.use_multiprocessing)


def _is_queued(workers: int, use_multiprocessing: bool) -> bool:
    return bool(workers > 1 or (workers > 0 and use_multiprocessing))
