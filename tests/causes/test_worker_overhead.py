from __future__ import annotations

from fitdoctor.causes.input.worker_overhead import check
from fitdoctor.facts.facts import Facts
from tests.causes.test_idle_workers import dataset


def bad() -> Facts:
    return dataset(workers=4, processes=True)


def good() -> Facts:
    return dataset(workers=4, processes=True, input_free=1.0)


def test_it_says_what_the_batches_come_through() -> None:
    (finding,) = check(bad())
    assert finding.evidence[0].text == "Batches come from 4 processes, through a queue."


def test_threads_count_too() -> None:
    (finding,) = check(dataset(workers=8))
    assert "8 threads" in finding.evidence[0].text


def test_one_worker_is_no_worker() -> None:
    assert list(check(dataset(workers=1))) == []
