from __future__ import annotations

import pytest

from fitdoctor.causes.host.retracing import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import Traced
from tests.support import builders as make


def traced(count: int, each_s: float = 0.2) -> Facts:
    facts = make.facts(make.fit(step_s=0.01))
    function = make.site(7, "def train_step(x, y, epoch):")
    facts.scout.traced.append(
        Traced(function=function, site=make.site(40, "train_step(x, y, epoch)"), traces=make.took(each_s, count))
    )
    return facts


def bad() -> Facts:
    return traced(60)


def good() -> Facts:
    return traced(2, 1.0)


def test_all_traces_but_the_first_are_its_cost() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.mid == pytest.approx(59 * 0.2)
    assert [place.line for place in finding.locations] == [40, 7]


def test_cheap_traces_are_no_cause() -> None:
    assert list(check(traced(60, 0.001))) == []
