from __future__ import annotations

import pytest

from fitdoctor.causes.hardware.oversubscribed_cores import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import ThreadSetting
from tests.causes.test_unused_cores import threads


def bad() -> Facts:
    return threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=64), cores=4)


def good() -> Facts:
    return threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=8), cores=4)


@pytest.mark.parametrize(("value", "cores", "quota", "found"), [(15, 4, None, 0), (16, 4, None, 1), (16, 64, 2.0, 1), (64, 64, None, 0)])
def test_threads_count_against_the_cores_that_may_be_used(value: int, cores: int, quota: float | None, found: int) -> None:
    assert len(list(check(threads(ThreadSetting(name="OMP_NUM_THREADS", value=value), cores=cores, quota=quota)))) == found
