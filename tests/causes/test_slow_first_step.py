from __future__ import annotations

import pytest

from fitdoctor.causes.host.slow_first_step import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import HotLine, MetricRecord
from tests.support import builders as make


def short(**changed: object) -> Facts:
    """Twenty seconds of steps after a first one of 15 s."""
    return make.facts(make.fit(**{"first_step": make.took(15.0, 1), **changed}))  # type: ignore[arg-type]


def bad() -> Facts:
    return short(unrolled=["lstm"])


def good() -> Facts:
    return short(unrolled=["lstm"], first_step=make.took(3.0, 1))


def test_its_cost_is_the_first_step_beyond_the_others() -> None:
    (finding,) = check(bad())
    assert finding.cost_s.mid == pytest.approx(15.0 - 0.02)
    assert finding.evidence[1].text == "Unrolled layers: lstm."


def test_lines_that_are_traced_are_named() -> None:
    line = HotLine(where="first step", site=make.site(6, "state = self.cell(x[:, t], state)"), share=0.8)
    (finding,) = check(short(hot_lines=[line]))
    assert [place.line for place in finding.locations] == [6, 18]


@pytest.mark.parametrize("changed", [{}, {"jit_compile": True, "epochs": 100}])
def test_other_fits_are_not_reported(changed: dict[str, object]) -> None:
    assert list(check(short(**changed))) == []


def test_tracing_metrics_belongs_to_costly_metrics() -> None:
    metric = MetricRecord(name="dice", source=make.site(5, "def update_state(self, y, p):"), lines=[3, 9])
    line = HotLine(where="first step", site=make.site(6, "for part in self.parts:"), share=0.8)
    assert list(check(short(hot_lines=[line], metrics=[metric]))) == []
