from __future__ import annotations

import pytest

from fitdoctor.causes.input.slow_generator import check
from fitdoctor.facts.facts import Facts
from tests.facts.input.test_loader_workers import grain, loader
from tests.support import builders as make


def bad() -> Facts:
    return make.facts(make.fit(input_kind="generator"), input_free=3.0)


def good() -> Facts:
    return make.facts(make.fit(input_kind="arrays"), input_free=3.0)


@pytest.mark.parametrize(("kind", "word"), [("generator", "generator"), ("pydataset", "PyDataset")])
def test_both_kinds_are_named(kind: str, word: str) -> None:
    (finding,) = check(make.facts(make.fit(input_kind=kind), input_free=3.0))
    assert word in finding.evidence[0].text
    assert "waits for input" in finding.evidence[1].text
    assert finding.locations[0].line == 18


def test_a_generator_that_keeps_up_is_not_reported() -> None:
    assert list(check(make.facts(make.fit(input_kind="generator"), input_free=1.0))) == []


def test_a_data_loader_is_reported_with_its_lines() -> None:
    (finding,) = check(loader())
    assert finding.measured
    assert [place.line for place in finding.locations] == [5, 14, 18]
    assert finding.evidence[0].text == "The DataLoader makes each batch in Python, in the training process."
    assert "processes of its own" in next(iter(check(loader(num_workers=2)))).evidence[0].text


def test_an_input_of_grain_is_reported() -> None:
    (finding,) = check(grain())
    assert finding.measured
    assert [place.line for place in finding.locations] == [5, 18]
