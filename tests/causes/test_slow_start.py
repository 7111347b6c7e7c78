from __future__ import annotations

import pytest

from fitdoctor.causes.host.slow_start import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import HotLine
from tests.support import builders as make


def started(start_s: float, share: float) -> Facts:
    facts = make.facts(make.fit(), start=start_s, imports=6.0)
    facts.scout.start_lines.append(HotLine(where="start", site=make.site(5, "rows.append(parse(line))"), share=share))
    return facts


def bad() -> Facts:
    return started(24.0, 0.7)


def good() -> Facts:
    return started(8.0, 0.5)


def test_its_cost_is_the_time_of_the_scripts_own_lines() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.mid == pytest.approx(21.0)
    assert finding.locations[0].line == 5


def test_lines_that_are_not_shown_count_as_well() -> None:
    facts = started(24.0, 0.2)
    assert list(check(facts)) == []
    facts.scout.start_lines_share = 0.5
    (finding,) = check(facts)
    assert finding.cost_s.mid == pytest.approx(15.0)


def test_imports_are_not_reported() -> None:
    assert list(check(make.facts(make.fit(), start=1.0, imports=30.0))) == []
