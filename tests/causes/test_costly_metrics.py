from __future__ import annotations

import pytest

from fitdoctor.causes.host.costly_metrics import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import HotLine, MetricRecord
from tests.support import builders as make

ACCURACY = MetricRecord(name="accuracy", kind="MeanMetricWrapper", state_size=2)
AUC = MetricRecord(name="auc", kind="AUC", state_size=20_000)
OWN = MetricRecord(
    name="dice", kind="MeanMetricWrapper", state_size=2, source=make.site(4, "def dice(y_true, y_pred):")
)


def compiled(*metrics: MetricRecord, step_s: float = 0.002) -> Facts:
    return make.facts(
        make.fit(
            step_s=step_s, epochs=100, metrics=list(metrics), compile_site=make.site(12, "model.compile(", metrics=14)
        )
    )


def bad() -> Facts:
    return compiled(ACCURACY, AUC)


def good() -> Facts:
    return compiled(ACCURACY)


def test_it_names_the_costly_ones() -> None:
    (finding,) = check(bad())
    assert not finding.measured
    assert finding.evidence[0].text == "Each step computes auc (20,000 numbers)."
    assert [(place.line, place.code) for place in finding.locations] == [
        (14, "metrics=['accuracy', 'auc']"),
        (18, "model.fit(x, y)"),
    ]


def test_metrics_of_the_scripts_own_are_suspects_at_their_line() -> None:
    (finding,) = check(compiled(OWN))
    assert 4 in [place.line for place in finding.locations]


def test_many_small_ones_are_suspects_too() -> None:
    assert len(list(check(compiled(*[ACCURACY] * 4)))) == 1


def test_beside_a_long_step_metrics_are_not_reported() -> None:
    assert list(check(compiled(ACCURACY, AUC, step_s=0.2))) == []


def test_without_a_compiler_each_number_may_cost_more() -> None:
    slow = compiled(ACCURACY, AUC, step_s=0.2)
    slow.scout.environment["backend"] = "torch"
    (finding,) = check(slow)
    assert finding.cost_s.high > 5 * finding.cost_s.mid


def traced(share: float, *, lines: tuple[int, int] = (2, 9)) -> Facts:
    """Twenty seconds of steps after a first one of 12 s, in which samples found a line of the script's own metric."""
    own = MetricRecord(
        name="dice", state_size=2, source=make.site(4, "def update_state(self, y, p):"), lines=list(lines)
    )
    line = HotLine(where="first step", site=make.site(7, "for part in self.parts:"), share=share)
    return make.facts(make.fit(metrics=[own], hot_lines=[line], first_step=make.took(12.0, 1)))


def test_the_time_to_trace_metrics_needs_no_trial() -> None:
    (finding,) = check(traced(0.5))
    assert finding.measured
    assert finding.cost_s.low == pytest.approx(0.5 * (12 - 0.02))
    assert finding.evidence[-1].text == "Tracing them takes 6.0 s of the first step."


def test_lines_outside_of_a_metric_do_not_count() -> None:
    assert not any(finding.measured for finding in check(traced(0.5, lines=(20, 30))))
