"""Inputs of Grain are described. The stages here are nested like those of Grain 0.2."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fitdoctor.probe.observe.describe_loaders import grain_input


class RangeMapDataset:
    pass


class MapMapDataset:
    def __init__(self, parent: Any, function: Any) -> None:
        self._parents, self._map_fn = (parent,), function


class PrefetchIterDataset:
    def __init__(self, parent: Any) -> None:
        self._parents, self._read_options = (parent,), SimpleNamespace(num_threads=16)


class ProcessPrefetchIterDataset:
    def __init__(self, parent: Any) -> None:
        self._parents = (parent,)


class InterleaveIterDataset:
    def __init__(self, parts: list[Any]) -> None:
        self._parents, self._datasets = (), parts


class Squared:
    def map(self, element: int) -> int:
        return element**2


def scan(index: int) -> int:
    return index


def test_a_pipeline_has_its_stages_and_its_last_function() -> None:
    pipeline = PrefetchIterDataset(MapMapDataset(MapMapDataset(RangeMapDataset(), len), scan))
    found = grain_input(pipeline)
    assert found.arguments["stages"] == ["RangeMapDataset", "MapMapDataset", "MapMapDataset", "PrefetchIterDataset"]
    assert (found.arguments["num_workers"], found.arguments["num_threads"]) == (0, 16)
    assert found.function is not None
    assert found.function.code == "def scan(index: int) -> int:"


def test_worker_processes_are_counted() -> None:
    parts = [ProcessPrefetchIterDataset(MapMapDataset(RangeMapDataset(), scan)) for _ in range(3)]
    found = grain_input(InterleaveIterDataset(parts))
    assert found.arguments["num_workers"] == 3
    assert found.function is not None


def test_a_data_loader_has_its_operations() -> None:
    options = SimpleNamespace(num_workers=2)
    reading = SimpleNamespace(num_threads=4)
    loader = SimpleNamespace(
        _data_source=range(4), _operations=[Squared()], _multiprocessing_options=options, _read_options=reading
    )
    found = grain_input(loader)
    assert (found.arguments["num_workers"], found.arguments["num_threads"]) == (2, 4)
    assert found.function is not None
    assert found.function.code == "def map(self, element: int) -> int:"
