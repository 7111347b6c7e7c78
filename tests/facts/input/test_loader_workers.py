"""Which other workers a `DataLoader` may have, and what comes out of it then."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.input.loader_workers import safety_of, why_no_more_workers
from fitdoctor.facts.input.workers import workers_of
from fitdoctor.recording.model import InputArray, Operation
from tests.support import builders as make


def loader(
    *, backend: str = "torch", input_free: float = 2.0, stateful: bool = False, stall_s: float = 0.0, **changed: Any
) -> Facts:
    """A fit on a `DataLoader` whose steps wait for it half of their time."""
    arguments = {
        "dataset": "Scans",
        "iterable": False,
        "num_workers": 0,
        "persistent_workers": False,
        "prefetch_factor": None,
        "batch_size": 32,
        "shuffled": False,
        "in_order": True,
        "start_method": "fork",
    }
    source = Operation(
        name="dataloader",
        position=0,
        site=make.site(14, "loader = DataLoader(", num_workers=15),
        function=make.site(5, "def __getitem__(self, index):"),
        python=True,
        stateful=stateful,
        arguments={**arguments, **changed},
    )
    record = make.fit(input_kind="dataloader", operations=[source])
    if stall_s:
        record.epoch_first_step = make.took(record.step.samples_s[0] + stall_s, 2)
    found = make.facts(record, input_free=input_free)
    found.scout.environment["backend"] = backend
    return found


def grain(workers: int = 0) -> Facts:
    source = Operation(
        name="grain",
        position=0,
        function=make.site(5, "def scan(index):"),
        python=True,
        arguments={
            "class": "MapDataset",
            "num_workers": workers,
            "num_threads": None,
            "stages": ["RangeMapDataset", "MapMapDataset"],
        },
    )
    return make.facts(make.fit(input_kind="grain", operations=[source]), input_free=2.0)


def why_not(facts: Facts) -> str:
    record = facts.fits[0].record
    workers = workers_of(record)
    assert workers is not None
    return why_no_more_workers(facts, record, workers)


@pytest.mark.parametrize(
    "facts", [loader(), loader(num_workers=1, backend="jax"), loader(num_workers=1, start_method="spawn")]
)
def test_more_workers_are_tried_if_safe(facts: Facts) -> None:
    assert why_not(facts) == ""


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (loader(iterable=True), "IterableDataset"),
        (loader(backend="jax"), "may hang"),
        (loader(start_method="spawn"), "__main__"),
        (grain(), "Grain"),
    ],
)
def test_the_reason_for_not_trying_more_workers_is_reported(facts: Facts, word: str) -> None:
    assert word in why_not(facts)


def test_an_open_file_is_not_shared() -> None:
    facts = loader()
    facts.fits[0].record.inputs = [InputArray(name="x.dataset.rows", container="h5py.File")]
    assert why_not(facts).startswith("x.dataset.rows is an open HDF5 file")


@pytest.mark.parametrize(
    ("changed", "count", "persistent", "safety"),
    [
        ({}, 4, True, "exact"),
        ({"shuffled": True}, 4, False, "semantics"),
        ({"shuffled": True, "num_workers": 1}, 4, False, "exact"),
        ({"shuffled": True, "num_workers": 1}, 4, True, "semantics"),
        ({"shuffled": True, "num_workers": 1, "persistent_workers": True}, 4, True, "exact"),
        ({"stateful": True}, 4, True, "semantics"),
        ({"in_order": False}, 4, True, "semantics"),
    ],
)
def test_the_safety_of_other_workers(changed: dict[str, Any], count: int, persistent: bool, safety: str) -> None:
    record = loader(**changed).fits[0].record
    workers = workers_of(record)
    assert workers is not None
    assert safety_of(record, workers, count, persistent=persistent) == safety
