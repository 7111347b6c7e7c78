"""Describes a `DataLoader` of PyTorch and an input of Grain as plain data."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from fitdoctor.probe import backends
from fitdoctor.probe.support import call_sites, creation_sites
from fitdoctor.recording.model import Operation, Site

# The largest number of stages that are followed. Nobody writes longer pipelines.
MOST_STAGES = 50


def data_loader(x: Any) -> Operation:
    """A `DataLoader` as one stage. Its function is the method of its dataset that makes a sample."""
    torch = backends.loaded("torch")
    assert torch is not None
    kinds = torch.utils.data
    dataset = _innermost(x.dataset)
    iterable = isinstance(x.dataset, kinds.IterableDataset)
    in_order = type(x.sampler) is kinds.SequentialSampler and (
        x.batch_sampler is None or type(x.batch_sampler) is kinds.BatchSampler
    )
    context = x.multiprocessing_context
    arguments = {
        "dataset": type(dataset).__name__,
        "iterable": iterable,
        "num_workers": int(x.num_workers),
        "persistent_workers": bool(x.persistent_workers),
        "prefetch_factor": x.prefetch_factor,
        "batch_size": x.batch_size,
        "drop_last": bool(x.drop_last),
        "pin_memory": bool(x.pin_memory),
        "sampler": type(x.sampler).__name__,
        "batch_sampler": type(x.batch_sampler).__name__ if x.batch_sampler is not None else None,
        "shuffled": not (in_order or iterable),
        "generator": x.generator is not None,
        "in_order": bool(getattr(x, "in_order", True)),
        "collate_fn": getattr(x.collate_fn, "__name__", type(x.collate_fn).__name__),
        "worker_init_fn": x.worker_init_fn is not None,
        "start_method": context.get_start_method() if context is not None else _start_method(),
    }
    reads = getattr(type(dataset), "__iter__" if iterable else "__getitem__", None)
    function = _function(reads) or _function(x.collate_fn)
    return Operation(
        name="dataloader",
        position=0,
        site=creation_sites.site_of(x),
        arguments=arguments,
        function=function,
        python=True,
    )


def _start_method() -> str:
    """How workers would be started. Without `allow_none`, asking for the method would choose it."""
    import multiprocessing  # PyTorch has imported it

    return multiprocessing.get_start_method(allow_none=True) or multiprocessing.get_all_start_methods()[0]


def _innermost(dataset: Any) -> Any:
    """The dataset that makes the samples, inside those of PyTorch that only select samples."""
    for _ in range(MOST_STAGES):
        inner = getattr(dataset, "dataset", None)
        if inner is None:
            inner = next(iter(getattr(dataset, "datasets", None) or ()), None)
        if inner is None or type(dataset).__module__.partition(".")[0] != "torch":
            break
        dataset = inner
    return dataset


def grain_input(x: Any) -> Operation:
    """A dataset or data loader of Grain as one stage. Its function is the user's function that is called last."""
    options = getattr(x, "_multiprocessing_options", None)
    stages = [x] if options is not None else list(_stages(x))
    loaded = [x._data_source, *x._operations] if options is not None else []
    processes = sum(type(stage).__name__ == "ProcessPrefetchIterDataset" for stage in stages)
    reading = next((stage._read_options for stage in stages if getattr(stage, "_read_options", None) is not None), None)
    arguments = {
        "class": type(x).__name__,
        "num_workers": int(options.num_workers) if options is not None else processes,
        "num_threads": int(reading.num_threads) if reading is not None else None,
        "stages": [type(stage).__name__ for stage in reversed(stages)],
    }
    functions = [found for stage in stages if (found := _of_stage(stage)) is not None]
    functions += [found for part in reversed(loaded) if (found := _of_part(part)) is not None]
    return Operation(
        name="grain",
        position=0,
        site=creation_sites.site_of(x),
        arguments=arguments,
        function=functions[0] if functions else None,
        python=True,
    )


def _stages(dataset: Any) -> Iterator[Any]:
    """The stages of a Grain pipeline, from the last to the source.

    If several processes have the same stages, only those of the first are followed.
    """
    waiting, seen = [dataset], 0
    while waiting and seen < MOST_STAGES:
        stage = waiting.pop(0)
        seen += 1
        yield stage
        workers = [
            each for each in getattr(stage, "_datasets", ()) if type(each).__name__ == "ProcessPrefetchIterDataset"
        ]
        yield from workers[1:]
        waiting += workers[:1] or list(getattr(stage, "_parents", ()))


def _of_stage(stage: Any) -> Site | None:
    """The user's function that a stage calls, or the method of the user's source."""
    return (
        _function(getattr(stage, "_map_fn", None))
        or _of_part(getattr(stage, "_transform", None))
        or _of_part(_source(stage))
    )


def _source(stage: Any) -> Any:
    return getattr(stage, "_source", None)


def _of_part(part: Any) -> Site | None:
    """The user's method of a transformation or a source."""
    found = (
        _function(getattr(type(part), name, None))
        for name in ("map", "random_map", "filter", "flat_map", "__getitem__")
    )
    return _function(part) or next((site for site in found if site is not None), None)


def _function(function: Any) -> Site | None:
    while isinstance(function, functools.partial):
        function = function.func
    return call_sites.of_function(function)
