from __future__ import annotations

import pytest

from fitdoctor.causes.input.slow_generator import check
from fitdoctor.facts.facts import Facts
from tests import builders as make


def bad() -> Facts:
    return make.facts(make.fit(input_kind="generator"), input_free=3.0)


def good() -> Facts:
    return make.facts(make.fit(input_kind="arrays"), input_free=3.0)


@pytest.mark.parametrize(("kind", "word"), [("generator", "generator"), ("pydataset", "PyDataset")])
def test_both_kinds_are_named(kind: str, word: str) -> None:
    (finding,) = check(make.facts(make.fit(input_kind=kind), input_free=3.0))
    assert word in finding.evidence[0].text
    assert "waiting for input" in finding.evidence[1].text
    assert finding.locations[0].line == 18


def test_a_generator_that_keeps_up_is_none() -> None:
    assert list(check(make.facts(make.fit(input_kind="generator"), input_free=1.0))) == []
