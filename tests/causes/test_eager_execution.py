from __future__ import annotations

from fitdoctor.causes.host.eager_execution import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make

COMPILE = make.site(12, "model.compile(", run_eagerly=15)


def bad() -> Facts:
    return make.facts(make.fit(run_eagerly=True, compile_site=COMPILE))


def good() -> Facts:
    return make.facts(make.fit(compile_site=COMPILE))


def test_it_points_at_the_keyword_first() -> None:
    (finding,) = check(bad())
    assert [(place.line, place.code) for place in finding.locations][:2] == [
        (15, "run_eagerly=True"),
        (12, "model.compile("),
    ]
    assert not finding.measured


def test_the_global_switch_counts_too() -> None:
    (finding,) = check(make.facts(make.fit(eager_globally=True, compile_site=None)))
    assert "run_functions_eagerly" in finding.evidence[0].text
    assert finding.locations[0].line == 18


def test_a_very_short_fit_is_not_reported() -> None:
    assert list(check(make.facts(make.fit(run_eagerly=True, epochs=1, steps=3, step_s=0.01)))) == []
