from __future__ import annotations

import pytest

from fitdoctor.causes.host.python_in_step import check
from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import HotLine, PythonOperation
from tests.support import builders as make


def step(run_s: float, *, runs: int = 61) -> Facts:
    operations = [
        PythonOperation(
            kind="numpy_function",
            site=make.site(4, "tf.numpy_function(weigh, [y], tf.float32)"),
            runs=make.took(run_s, runs),
        ),
        PythonOperation(kind="gradient", site=make.site(18), runs=make.took(run_s / 10, runs)),
    ]
    return make.facts(make.fit(python_operations=operations))


def bad() -> Facts:
    return step(0.008)


def good() -> Facts:
    return step(0.0001)


def test_it_is_timed_where_it_runs() -> None:
    (finding,) = check(bad())
    assert finding.measured
    assert finding.cost_s.mid == pytest.approx(0.0088 * 999, rel=0.02)
    assert finding.cost_s.low == pytest.approx(finding.cost_s.mid / 2)
    assert [place.line for place in finding.locations] == [4, 18]
    assert "numpy_function at train.py:4" in finding.evidence[0].text


def test_it_is_never_more_than_the_step() -> None:
    (finding,) = check(step(0.5))
    assert finding.cost_s.mid == pytest.approx(0.018 * 999)


def test_in_an_eager_step_samples_give_the_cost() -> None:
    lines = [HotLine(where="step", site=make.site(7, "np.linalg.svd(values)"), share=0.4)]
    (finding,) = check(make.facts(make.fit(run_eagerly=True, hot_lines=lines)))
    assert finding.cost_s.mid == pytest.approx(0.4 * 0.018 * 999)
    assert finding.locations[0].line == 7


def test_a_traced_function_that_never_runs_costs_nothing() -> None:
    assert list(check(make.facts(make.fit(python_operations=[PythonOperation(kind="py_function")])))) == []
