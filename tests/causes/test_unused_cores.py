from __future__ import annotations

import pytest

from fitdoctor.causes.hardware.unused_cores import check
from fitdoctor.changes.model import SetArgument, SetEnvironment
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import ThreadSetting
from fitdoctor.remedies.environment.default_threads import propose
from tests.support import builders as make

CALL = "tf.config.threading.set_intra_op_parallelism_threads"


def threads(*settings: ThreadSetting, cores: int = 2, quota: float | None = None) -> Facts:
    run = make.run(make.fit())
    assert run.scout is not None
    run.scout.environment |= {"cores": cores, "quota_cores": quota}
    run.scout.threads = list(settings)
    return Facts(run)


def bad() -> Facts:
    return threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=1))


def good() -> Facts:
    return threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=2))


@pytest.mark.parametrize(
    ("value", "cores", "quota", "found"),
    [(1, 1, None, 0), (1, 4, None, 1), (2, 4, None, 1), (3, 4, None, 0), (2, 64, 2.0, 0), (1, 64, 1.5, 1)],
)
def test_a_setting_counts_against_the_cores_that_may_be_used(
    value: int, cores: int, quota: float | None, found: int
) -> None:
    assert len(list(check(threads(ThreadSetting(name=CALL, value=value), cores=cores, quota=quota)))) == found


def test_it_names_the_line_that_set_it() -> None:
    (finding,) = check(threads(ThreadSetting(name=CALL, value=1, site=make.site(4))))
    assert [place.line for place in finding.locations] == [4, 18]
    assert finding.evidence[0].text == f"{CALL}(1), on 2 cores."
    assert not finding.measured


def test_all_settings_are_removed_together() -> None:
    facts = threads(
        ThreadSetting(name=CALL, value=1, site=make.site(4)), ThreadSetting(name="TF_NUM_INTEROP_THREADS", value=1)
    )
    (proposal,) = propose(next(check(facts)), facts)
    call, variable = proposal.changes
    assert isinstance(call, SetArgument)
    assert (call.place.line, call.value) == (4, 0)
    assert isinstance(variable, SetEnvironment)
    assert (variable.place.line, variable.name, variable.value) == (0, "TF_NUM_INTEROP_THREADS", None)


def test_a_container_limit_sets_the_number_of_threads() -> None:
    facts = threads(ThreadSetting(name="TF_NUM_INTRAOP_THREADS", value=1), cores=64, quota=3.5)
    (proposal,) = propose(next(check(facts)), facts)
    assert [change.to_data()["value"] for change in proposal.changes] == ["4"]
