from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.recording.model import CallSiteRecord
from fitdoctor.report.model import Interval
from fitdoctor.trials.outcomes import outcomes_of
from fitdoctor.trials.plan import plan
from fitdoctor.trials.savings import (
    PROCESS_DRIFT,
    Effect,
    breaks_even_at,
    effect_of,
    projected,
    saved_s,
    terms,
    whole_run,
)
from tests.support import builders as make


def test_the_step_ratio_is_never_the_answer() -> None:
    facts = make.facts(make.fit())
    speedup = whole_run(facts, [Effect(target="fit", index=0, unit="step", ratio=make.around(10.0))])
    step_s = facts.projection.under("fit0/step")
    assert speedup.mid == pytest.approx(facts.total_s / (facts.total_s - 0.9 * step_s))
    assert speedup.low < speedup.mid < speedup.high < 10
    assert saved_s(facts, speedup).mid == pytest.approx(0.9 * step_s)


def test_a_one_off_can_turn_a_gain_into_a_loss() -> None:
    effect = Effect(target="fit", index=0, unit="step", ratio=make.around(1.5), one_off_s=40.0)
    assert whole_run(make.facts(make.fit()), [effect]).high < 1


def test_early_stopping_widens_the_interval_at_its_low_end() -> None:
    stopper = make.callback("EarlyStopping", own=False, hooks={}, may_stop=True)
    effect = Effect(target="fit", index=0, unit="step", ratio=make.around(4.0, 0.0))
    bounded = whole_run(make.facts(make.fit(epochs=500, callbacks=[stopper])), [effect])
    declared = whole_run(make.facts(make.fit(epochs=500)), [effect])
    assert bounded.mid == pytest.approx(declared.mid)
    assert bounded.low < 1.5 < declared.low


def test_the_end_of_an_epoch_holds_what_callbacks_call_there() -> None:
    record = make.fit(
        callbacks=[make.callback(hooks={"on_epoch_end": make.took(0.1, 2), "on_epoch_begin": make.took(0.1, 2)})]
    )
    nested = CallSiteRecord(
        kind="predict", site=make.site(7), inside=0, hook="on_epoch_end", calls=4, run=make.took(0.1, 4)
    )
    facts = make.facts(record, loops=[nested])
    assert terms(facts, "fit", 0, "epoch_end") == ("fit0/callback0/on_epoch_end", "loop0/call")
    assert terms(facts, "fit", 0, "validation") == ("fit0/validation",)
    assert terms(facts, "loop", 0, "call") == ("loop0/call",)


def test_one_off_is_paid_by_each_call_that_traces_and_breaks_even_somewhere() -> None:
    facts = make.facts(make.fit(step_s=0.001, epochs=200, calls=3))
    (rehearsal,) = plan(facts)
    recorded = make.rehearse(rehearsal, {"step/larger-execution-32": 4.0}, base_s=0.001)
    next(arm for arm in recorded.arms if arm.id == "step/larger-execution-32").one_off_s = 1.5
    outcome = next(outcome for outcome in outcomes_of(recorded) if outcome.arm.id == "step/larger-execution-32")
    effect = effect_of(facts, outcome)
    assert effect is not None
    assert effect.one_off_s == 4.5
    assert breaks_even_at(facts, outcome) == pytest.approx(1.5 / 0.00075, rel=0.05)


def raced(ratio: float, **more: float) -> Effect:
    return Effect(target="fit", index=0, unit="race", ratio=Interval(low=ratio, mid=ratio, high=ratio), **more)


def test_a_won_race_makes_all_steps_and_epochs_fewer() -> None:
    facts = make.facts(make.fit(step_s=0.02, epochs=50))
    gone_s = facts.projection.under("fit0/step") + facts.projection.under("fit0/epoch_boundary")
    won = whole_run(facts, [raced(4.0)])
    assert won.mid == pytest.approx(facts.total_s / (facts.total_s - 0.75 * gone_s), rel=0.02)


def test_the_low_end_counts_only_what_was_raced() -> None:
    facts = make.facts(make.fit(step_s=0.02, epochs=50))
    whole, part = whole_run(facts, [raced(4.0)]), whole_run(facts, [raced(4.0, covered=0.1)])
    assert part.mid == whole.mid
    assert 1.0 < part.low < 1.1 < whole.low


def test_costs_per_epoch_gain_nothing_from_throughput() -> None:
    facts = make.facts(make.fit(step_s=0.02, epochs=50, epoch_boundary=make.took(5.0, 2)))
    won = whole_run(facts, [raced(4.0, throughput=4.0)])
    assert won.mid == pytest.approx(
        facts.total_s / (facts.total_s - 0.75 * facts.projection.under("fit0/step")), rel=0.02
    )


@given(
    low=st.floats(min_value=0, max_value=1e9),
    one_off_s=st.floats(min_value=0, max_value=1e9),
    target=st.sampled_from(["fit", "loop"]),
    unit=st.sampled_from(["step", "epoch_end", "validation", "call", "race"]),
)
def test_every_figure_stays_finite(low: float, one_off_s: float, target: str, unit: str) -> None:
    ratio = Interval(low=low, mid=low, high=low)
    facts = make.facts(make.fit())
    speedup = whole_run(facts, [Effect(target=target, index=0, unit=unit, ratio=ratio, one_off_s=one_off_s)])
    saved = saved_s(facts, speedup)
    assert all(math.isfinite(end) for found in (speedup, saved) for end in (found.low, found.mid, found.high))
    assert speedup.low <= speedup.mid <= speedup.high


def test_the_time_of_one_process_is_less_certain_than_a_comparison() -> None:
    facts = make.facts(make.fit(step_s=0.1, epochs=20))
    exact = projected(facts, Interval(low=2.0, mid=2.0, high=2.0))
    assert exact.mid == pytest.approx(facts.total_s / 2)
    assert exact.high / exact.mid == pytest.approx(exact.mid / exact.low) == pytest.approx(math.exp(PROCESS_DRIFT))
    wide = projected(facts, Interval(low=1.0, mid=2.0, high=4.0))
    assert wide.low < facts.total_s / 4 < facts.total_s / 2 < facts.total_s < wide.high
