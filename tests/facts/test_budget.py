from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.facts.budget import make_budget
from fitdoctor.facts.facts import Facts
from fitdoctor.facts.measured_ratios import MeasuredRatios
from fitdoctor.recording.model import CallSiteRecord
from fitdoctor.report.model import Budget, Part
from tests.support import builders as make

seconds = st.floats(min_value=0, max_value=100)


def part(facts: Facts, name: str) -> Part:
    return next(part for part in make_budget(facts).parts if part.id == name)


@given(
    step_s=seconds,
    function_s=seconds,
    logs_s=seconds,
    hook_s=seconds,
    executions=st.integers(min_value=1, max_value=64),
    free=st.one_of(st.none(), st.floats(min_value=0.1, max_value=50)),
    fewer=st.one_of(st.none(), st.floats(min_value=0.1, max_value=50)),
    wait_s=st.one_of(st.none(), seconds),
    drawn=st.sampled_from(["loop", "function", "graph"]),
    overlap=st.one_of(st.none(), st.tuples(seconds, seconds, seconds)),
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
    drawn: str,
    overlap: tuple[float, float, float] | None,
) -> None:
    idle_s, device_s, still_s = overlap or (0.0, 0.0, 0.0)
    beside = 60 if overlap else 0
    hooks = {"on_train_batch_end": make.took(hook_s, 60), "on_epoch_end": make.took(hook_s, 2)}
    record = make.fit(
        step_s=step_s,
        function_s=function_s,
        logs_s=logs_s,
        steps_per_execution=executions,
        input_wait=make.took(wait_s or 0.0, 0 if wait_s is None else 60),
        input_drawn=drawn,
        input_idle=make.took(idle_s, beside),
        device=make.took(device_s, beside),
        still_computing=make.took(still_s, beside // 30),
        recompiled=make.took(still_s, beside // 20),
        callbacks=[make.callback(hooks=hooks), make.callback("Other", hooks=hooks)],
    )
    measured = MeasuredRatios(
        input_free={0: make.around(free)} if free else {}, fewer_dispatches={0: make.around(fewer)} if fewer else {}
    )
    nested = CallSiteRecord(kind="predict", site=make.site(3), calls=5, run=make.took(0.1, 5))
    watched = make.watched(record, loops=[nested])
    for facts in (Facts(make.run(record, loops=[nested]), measured), Facts(watched, measured)):
        _adds_up(make_budget(facts))


def _adds_up(budget: Budget) -> None:
    assert sum(part.s for part in budget.parts) == pytest.approx(budget.total_s, rel=1e-6, abs=1e-6)
    for found in budget.parts:
        assert found.s >= 0
        assert 0 <= found.share <= 1 + 1e-9
        if found.children:
            assert sum(child.s for child in found.children) == pytest.approx(found.s)


def test_a_step_is_not_split_before_a_trial() -> None:
    names = {part.id for part in make_budget(make.facts(make.fit())).parts}
    assert "step" in names
    assert not names & {"input_wait", "device"}


def test_a_measured_ceiling_separates_input_from_compute() -> None:
    facts = make.facts(make.fit(step_s=0.04, function_s=0.036), input_free=4.0)
    steps = facts.fits[0].steps("mid")
    assert part(facts, "input_wait").s == pytest.approx(0.03 * steps)
    assert part(facts, "device").s == pytest.approx(0.006 * steps)
    assert part(facts, "host").s == pytest.approx(0.004 * steps)


def test_a_wait_of_the_loop_is_known_without_a_trial() -> None:
    facts = make.facts(make.fit(step_s=0.04, function_s=0.01, input_wait=make.took(0.025, 60)))
    steps = facts.fits[0].steps("mid")
    assert part(facts, "input_wait").s == pytest.approx(0.025 * steps)
    assert part(facts, "device").s == pytest.approx(0.01 * steps)
    assert part(facts, "host").s == pytest.approx(0.005 * steps)
    assert facts.input_cost(facts.fits[0]) == (make.around(0.025 * steps, 0.0), True)


@pytest.mark.parametrize(
    ("function_s", "device_s", "compute_s", "host_s"),
    [(0.5, 0.0, 0.5, 0.0), (0.5, 0.4, 0.4, 0.1), (0.002, 0.0, 0.0, 0.002)],
)
def test_a_long_call_computes_its_step(function_s: float, device_s: float, compute_s: float, host_s: float) -> None:
    """On a CPU, JAX may compute a step before its call returns; sending one does not take so long."""
    record = make.fit(
        step_s=function_s,
        function_s=function_s,
        jit_compile=True,
        input_wait=make.took(1e-6, 60),
        input_drawn="function",
        input_idle=make.took(1e-6, 60),
        device=make.took(device_s, 60),
    )
    facts = make.facts(record)
    facts.scout.environment["backend"] = "jax"
    found = {part.id: part.s / facts.fits[0].steps("mid") for part in make_budget(facts).parts}
    assert (found.get("device", 0.0), found.get("host", 0.0)) == (
        pytest.approx(compute_s, abs=1e-5),
        pytest.approx(host_s, abs=1e-5),
    )


def test_a_ceiling_below_one_is_no_wait() -> None:
    names = {part.id for part in make_budget(make.facts(make.fit(), input_free=0.97)).parts}
    assert "input_wait" not in names


def test_dispatch_equals_the_saving_of_fewer_launches() -> None:
    record = make.fit(step_s=0.001, function_s=0.0008, logs_s=0.0001)
    measured = MeasuredRatios(input_free={0: make.around(1.0)}, fewer_dispatches={0: make.around(4.0)})
    facts = Facts(make.run(record), measured)
    steps = facts.fits[0].steps("mid")
    assert part(facts, "host").s == pytest.approx((0.00075 - 0.0001) * steps)
    assert part(facts, "device").s == pytest.approx(0.00025 * steps)


def test_start_holds_imports_and_callbacks_are_named() -> None:
    facts = make.facts(make.fit(callbacks=[make.callback(hooks={"on_epoch_end": make.took(0.1, 2)})]))
    assert {child.label: child.s for child in part(facts, "start").children} == {
        "imports": 6.0,
        "before the first fit": 2.0,
    }
    assert [child.label for child in part(facts, "callbacks").children] == ["Plotter"]


def test_input_that_overlaps_with_computing_costs_nothing() -> None:
    """As on JAX:

    of the 12 ms in which a batch is drawn, earlier steps are computed for 9, and go on for 40 behind the epoch's last.
    """
    record = make.fit(
        step_s=0.02,
        function_s=0.018,
        steps=100,
        input_drawn="function",
        input_wait=make.took(0.012, 60),
        input_idle=make.took(0.003, 60),
        device=make.took(0.011, 60),
        still_computing=make.took(0.1, 2),
        callbacks=[
            make.callback("ProgbarLogger", own=False, hooks={}, beside={"on_train_batch_end": make.took(0.001, 60)})
        ],
    )
    facts = make.facts(record)
    steps = facts.fits[0].steps("mid")
    assert facts.fits[0].step_s == pytest.approx(0.021)  # with its share of what is computed at the epoch's end
    assert part(facts, "input_wait").s == pytest.approx(0.003 * steps)
    assert part(facts, "device").s == pytest.approx(0.011 * steps)
    assert part(facts, "host").s == pytest.approx((0.021 - 0.003 - 0.011) * steps)
    assert {hidden.id: hidden.s for hidden in make_budget(facts).overlapped} == {
        "input": pytest.approx(0.009 * steps),
        "callbacks/ProgbarLogger": pytest.approx(0.001 * 10 * 100),
    }
    cost, measured = facts.input_cost(facts.fits[0])
    assert measured
    assert cost.mid == pytest.approx(0.003 * steps)


def test_an_unmeasured_overlap_makes_the_wait_an_upper_bound() -> None:
    facts = make.facts(make.fit(step_s=0.02, function_s=0.018, input_drawn="function", input_wait=make.took(0.012, 60)))
    cost, measured = facts.input_cost(facts.fits[0])
    assert not measured
    assert (cost.low, cost.high) == (0.0, pytest.approx(0.012 * facts.fits[0].steps("mid")))
    assert part(facts, "step").s > 0
