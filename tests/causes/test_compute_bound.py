from __future__ import annotations

from fitdoctor.causes.compute.compute_bound import check
from fitdoctor.facts.facts import Facts
from tests.support import builders as make


def computing(input_free: float | None) -> Facts:
    return make.facts(make.fit(step_s=0.2, epochs=20), input_free=input_free)


def bad() -> Facts:
    return computing(1.01)


def good() -> Facts:
    return computing(3.0)


def test_it_informs_and_says_how_much() -> None:
    (finding,) = check(bad())
    assert finding.informative
    assert "is computation" in finding.evidence[0].text


def test_without_a_ceiling_nothing_is_reported() -> None:
    assert list(check(computing(None))) == []
