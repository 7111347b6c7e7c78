from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.measured import Measured
from fitdoctor.recording.model import Loop
from fitdoctor.report.model import Part
from tests import builders as make

seconds = st.floats(min_value=0, max_value=100)


def part(facts: Facts, name: str) -> Part:
    return next(part for part in facts.budget.parts if part.id == name)


@given(
    step_s=seconds,
    function_s=seconds,
    logs_s=seconds,
    hook_s=seconds,
    executions=st.integers(min_value=1, max_value=64),
    free=st.one_of(st.none(), st.floats(min_value=0.1, max_value=50)),
    fewer=st.one_of(st.none(), st.floats(min_value=0.1, max_value=50)),
    wait_s=st.one_of(st.none(), seconds),
)
def test_parts_sum_to_the_whole_whatever_was_recorded(
    step_s: float,
    function_s: float,
    logs_s: float,
    hook_s: float,
    executions: int,
    free: float | None,
    fewer: float | None,
    wait_s: float | None,
) -> None:
    hooks = {"on_train_batch_end": make.took(hook_s, 60), "on_epoch_end": make.took(hook_s, 2)}
    record = make.fit(
        step_s=step_s,
        function_s=function_s,
        logs_s=logs_s,
        steps_per_execution=executions,
        input_wait=make.took(wait_s or 0.0, 0 if wait_s is None else 60),
        callbacks=[make.callback(hooks=hooks), make.callback("Other", hooks=hooks)],
    )
    measured = Measured(input_free={0: make.around(free)} if free else {}, fewer_dispatches={0: make.around(fewer)} if fewer else {})
    nested = Loop(kind="predict", site=make.site(3), calls=5, run=make.took(0.1, 5))
    budget = Facts(make.run(record, loops=[nested]), measured).budget
    assert sum(part.s for part in budget.parts) == pytest.approx(budget.total_s, rel=1e-6, abs=1e-6)
    for found in budget.parts:
        assert found.s >= 0
        assert 0 <= found.share <= 1 + 1e-9
        if found.children:
            assert sum(child.s for child in found.children) == pytest.approx(found.s)


def test_untried_the_step_is_not_split() -> None:
    names = {part.id for part in make.facts(make.fit()).budget.parts}
    assert "step" in names
    assert not names & {"input_wait", "device"}


def test_a_measured_ceiling_tells_input_from_compute() -> None:
    facts = make.facts(make.fit(step_s=0.04, function_s=0.036), input_free=4.0)
    steps = facts.fits[0].steps("mid")
    assert part(facts, "input_wait").s == pytest.approx(0.03 * steps)
    assert part(facts, "device").s == pytest.approx(0.006 * steps)
    assert part(facts, "host").s == pytest.approx(0.004 * steps)


def test_where_the_loop_itself_waits_for_a_batch_that_is_told_untried() -> None:
    facts = make.facts(make.fit(step_s=0.04, function_s=0.01, input_wait=make.took(0.025, 60)))
    steps = facts.fits[0].steps("mid")
    assert part(facts, "input_wait").s == pytest.approx(0.025 * steps)
    assert part(facts, "device").s == pytest.approx(0.01 * steps)
    assert part(facts, "host").s == pytest.approx(0.005 * steps)
    assert facts.input_cost(facts.fits[0]) == (make.around(0.025 * steps, 0.0), True)


def test_a_ceiling_below_one_is_no_wait() -> None:
    names = {part.id for part in make.facts(make.fit(), input_free=0.97).budget.parts}
    assert "input_wait" not in names


def test_dispatch_is_what_fewer_launches_saved() -> None:
    record = make.fit(step_s=0.001, function_s=0.0008, logs_s=0.0001)
    measured = Measured(input_free={0: make.around(1.0)}, fewer_dispatches={0: make.around(4.0)})
    facts = Facts(make.run(record), measured)
    steps = facts.fits[0].steps("mid")
    assert part(facts, "host").s == pytest.approx((0.00075 - 0.0001) * steps)
    assert part(facts, "device").s == pytest.approx(0.00025 * steps)


def test_start_holds_imports_and_callbacks_are_named() -> None:
    facts = make.facts(make.fit(callbacks=[make.callback(hooks={"on_epoch_end": make.took(0.1, 2)})]))
    assert {child.label: child.s for child in part(facts, "start").children} == {"imports": 6.0, "before the first fit": 2.0}
    assert [child.label for child in part(facts, "callbacks").children] == ["Plotter"]
