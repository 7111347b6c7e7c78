from __future__ import annotations

import pytest

from fitdoctor.causes.input.idle_workers import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Operation
from tests.facts.input.test_loader_workers import grain, loader
from tests.support import builders as make


def dataset(workers: int = 1, *, processes: bool = False, input_free: float = 2.0) -> Facts:
    source = Operation(
        name="pydataset",
        position=0,
        site=make.site(14, "Scans("),
        function=make.site(5, "def __getitem__(self, index):"),
        python=True,
        arguments={"workers": workers, "use_multiprocessing": processes, "max_queue_size": 10},
    )
    return make.facts(make.fit(input_kind="pydataset", operations=[source]), input_free=input_free)


def bad() -> Facts:
    return dataset()


def good() -> Facts:
    return dataset(workers=2)


def test_it_points_at_where_the_dataset_is_made() -> None:
    (finding,) = check(bad())
    assert [place.line for place in finding.locations] == [14, 5, 18]
    assert finding.evidence[0].text == "The PyDataset has 1 worker; this machine has 2 cores."


@pytest.mark.parametrize("facts", [dataset(input_free=1.0), dataset(processes=True)])
def test_no_wait_or_processes_are_not_reported(facts: Facts) -> None:
    assert list(check(facts)) == []


def test_a_data_loader_without_workers() -> None:
    (finding,) = check(loader())
    assert [place.line for place in finding.locations] == [15, 5, 18]
    text = "The DataLoader has no worker processes: the training process makes its batches; this machine has 2 cores."
    assert finding.evidence[0].text == text
    assert "The DataLoader has 1 worker process;" in next(iter(check(loader(num_workers=1)))).evidence[0].text
    assert list(check(loader(num_workers=2))) == []
    assert list(check(loader(input_free=1.0))) == []


def test_an_input_of_grain_without_processes() -> None:
    (finding,) = check(grain())
    assert [place.line for place in finding.locations] == [5, 18]
    assert finding.evidence[0].text.startswith("The Grain input has no worker processes")
    assert list(check(grain(workers=2))) == []
