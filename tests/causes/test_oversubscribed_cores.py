from __future__ import annotations

import pytest

from fitdoctor.causes.hardware.oversubscribed_cores import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import ThreadSetting
from fitdoctor.recording.model.system import Series, Span, System
from tests.causes.test_unused_cores import threads


def bad() -> Facts:
    return threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=64), cores=4)


def good() -> Facts:
    return threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=8), cores=4)


@pytest.mark.parametrize(
    ("value", "cores", "quota", "found"), [(15, 4, None, 0), (16, 4, None, 1), (16, 64, 2.0, 1), (64, 64, None, 0)]
)
def test_threads_count_against_the_cores_that_may_be_used(
    value: int, cores: int, quota: float | None, found: int
) -> None:
    assert (
        len(list(check(threads(ThreadSetting(name="OMP_NUM_THREADS", value=value), cores=cores, quota=quota)))) == found
    )


@pytest.mark.parametrize(("waiting", "said"), [(3.0, True), (0.1, False)])
def test_threads_that_waited_for_a_core_are_evidence(waiting: float, said: bool) -> None:
    facts = bad()
    facts.scout.fits[0].spans = [Span(began_s=0.0, ended_s=2.0)]
    facts.scout.system = System(stretches_s=[2.0], series=Series(counters={"threads_wait_s": [2 * waiting]}))
    (finding,) = check(facts)
    assert any("3.0 threads were ready to run" in evidence.text for evidence in finding.evidence) == said
