from __future__ import annotations

from fitdoctor.causes.input.worker_overhead import check
from fitdoctor.facts.facts import Facts
from tests.causes.test_idle_workers import dataset
from tests.facts.input.test_loader_workers import loader
from tests.support import builders as make


def bad() -> Facts:
    return dataset(workers=4, processes=True)


def good() -> Facts:
    return dataset(workers=4, processes=True, input_free=1.0)


def test_it_names_the_workers_of_the_batches() -> None:
    (finding,) = check(bad())
    assert finding.evidence[0].text == "Batches come from 4 processes, through a queue."


def test_threads_count_too() -> None:
    (finding,) = check(dataset(workers=8))
    assert "8 threads" in finding.evidence[0].text


def test_one_worker_is_no_worker() -> None:
    assert list(check(dataset(workers=1))) == []


def stalling(processes: bool, stall_s: float, workers: int = 4) -> Facts:
    facts = dataset(workers=workers, processes=processes, input_free=1.0)
    record = facts.fits[0].record
    record.epoch_first_step = make.took(record.step.samples_s[0] + stall_s, 2)
    return make.facts(record, input_free=1.0)


def test_processes_that_start_in_each_epoch_are_timed() -> None:
    (finding,) = check(stalling(processes=True, stall_s=2.0))
    assert finding.measured
    later = stalling(processes=True, stall_s=2.0).fits[0].later_epochs("mid")
    assert later * 1.5 < finding.cost_s.low < later * 2.0
    assert "Ending and starting processes takes 2.0 s" in finding.evidence[-1].text


def test_the_time_of_the_first_batch_is_no_restart() -> None:
    assert list(check(stalling(processes=True, stall_s=0.05))) == []
    assert list(check(stalling(processes=False, stall_s=2.0))) == []


def test_the_processes_of_a_data_loader() -> None:
    (finding,) = check(loader(num_workers=4))
    assert finding.evidence[0].text == "Batches come from 4 processes, through a queue."
    assert finding.locations[0].line == 15
    assert list(check(loader(num_workers=0))) == []
    assert (
        list(check(loader(num_workers=4, input_free=1.0, stall_s=2.0))) == []
    )  # they can be kept: that is another cause
