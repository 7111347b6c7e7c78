"""The workers of a `PyDataset` or a `DataLoader`: other numbers of them for a trial, and how far ahead they run."""

from __future__ import annotations

import copy
import weakref
from typing import Any

from fitdoctor.changes.model import Change, SetArgument
from fitdoctor.probe import describe, torch_loaders

KINDS = ("pydataset", "dataloader")
"""Inputs that have workers."""


def arranged(dataset: Any, changes: list[Change], *, steady: bool, started: weakref.WeakSet[Any] | None = None) -> Any:
    """The dataset with the workers that the changes ask for, as a copy that shares its data.

    Args:
        dataset: A `PyDataset` or a `DataLoader`.
        changes: Any; those of other things are left to others.
        steady: Whether its queue is to be just long enough to keep its workers busy: an idle arm must fill it and then rest.
        started: See `torch_loaders.arranged`.
    """
    if describe.input_kind(dataset) == "dataloader":
        return torch_loaders.arranged(dataset, changes, steady=steady, started=started)
    wanted = {change.argument: change.value for change in changes if isinstance(change, SetArgument) and change.call == "PyDataset"}
    if not wanted and not (steady and _queues(dataset)):
        return dataset
    made = copy.copy(dataset)
    for name, value in wanted.items():
        setattr(made, name, value)
    if steady and _queues(made):
        made.max_queue_size = min(made.max_queue_size, made.workers + 1)
    return made


def held(dataset: Any) -> int:
    """Batches that the workers may have made or begun before anybody asks."""
    if describe.input_kind(dataset) == "dataloader":
        return torch_loaders.held(dataset)
    return int(dataset.max_queue_size) + 1 if _queues(dataset) else 0


def _queues(dataset: Any) -> bool:
    """Whether Keras puts workers and a queue before this dataset."""
    return bool(dataset.workers > 1 or (dataset.workers > 0 and dataset.use_multiprocessing))
