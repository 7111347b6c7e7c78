from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.facts.facts import Facts
from fitdoctor.recording.model import CallSiteRecord, Duration
from tests.support import builders as make

FIXED_S = 9.5  # start, imports, script and shutdown of the builders' run


def test_whole_training_is_counts_times_units() -> None:
    facts = make.facts(make.fit(step_s=0.02, epochs=10, steps=100))
    expected = FIXED_S + 0.2 + 1.0 + (10 * 100 - 1) * 0.02 + 10 * 0.01 + 0.05
    unattributed = facts.unattributed_s
    assert facts.total_s == pytest.approx(expected + unattributed)
    assert facts.basis == "declared"


def test_durations_are_per_execution_and_costs_per_step() -> None:
    one = make.facts(make.fit(step_s=0.02, epochs=10, steps=100))
    eight = make.facts(make.fit(step_s=0.16, epochs=10, steps=100, steps_per_execution=8))
    assert eight.fits[0].step_s == pytest.approx(0.02)
    assert eight.fits[0].steps("mid") == 1000 - 8
    assert eight.projection.under("fit0/step") == pytest.approx(one.projection.under("fit0/step"), rel=0.01)


def test_tracing_is_charged_to_each_call_that_traces() -> None:
    warm = make.fit(calls=5, first_step=make.took(0.01, 5, first_s=2.0))
    cold = make.fit(calls=5, first_step=make.took(2.0, 5))
    assert make.facts(warm).fits[0].one_offs_paid == 1
    assert make.facts(cold).fits[0].one_offs_paid == 5
    assert make.facts(warm).projection.under("fit0/first_step") == pytest.approx(2.0 + 4 * 0.01)


def test_epoch_hooks_and_validation_count_per_epoch() -> None:
    record = make.fit(
        epochs=10,
        callbacks=[make.callback(hooks={"on_epoch_end": make.took(0.5, 2), "on_train_end": make.took(3.0, 1)})],
        validation="data",
        validation_kind="arrays",
        validation_steps=20,
        validation_freq=3,
        validation_first_step=make.took(0.4, 1),
        validation_step=make.took(0.01, 39),
        validation_overhead=make.took(0.1, 2),
    )
    facts = make.facts(record)
    assert facts.projection.under("fit0/callback0/on_epoch_end") == pytest.approx(5.0)
    assert facts.projection.under("fit0/callback0/on_train_end") == pytest.approx(3.0)
    assert facts.fits[0].validation_passes("mid") == 3
    assert facts.projection.under("fit0/validation") == pytest.approx(3 * (20 * 0.01 + 0.1) + 0.4 - 0.01)


@pytest.mark.parametrize(("freq", "passes"), [(1, 10), (4, 2), ([1, 5, 99], 2), (0, 10)])
def test_validation_frequency_as_keras_reads_it(freq: object, passes: int) -> None:
    record = make.fit(epochs=10, validation_freq=freq, validation_overhead=make.took(0.1, 2))
    assert make.facts(record).fits[0].validation_passes("mid") == passes


def test_batch_hooks_are_inside_the_step_and_not_counted_twice() -> None:
    hooks = {"on_train_batch_end": make.took(0.005, 61)}
    plain = make.facts(make.fit(step_s=0.02, function_s=0.01))
    hooked = make.facts(make.fit(step_s=0.02, function_s=0.01, callbacks=[make.callback(hooks=hooks)]))
    assert hooked.projection.under("fit0") == pytest.approx(plain.projection.under("fit0"))


def test_loops_in_hooks_grow_with_the_epochs() -> None:
    record = make.fit(epochs=50, callbacks=[make.callback(hooks={"on_epoch_end": make.took(0.001, 2)})])
    nested = CallSiteRecord(
        kind="predict", site=make.site(7), inside=0, hook="on_epoch_end", calls=40, run=make.took(0.05, 40)
    )
    facts = make.facts(record, loops=[nested])
    assert facts.loops[0].calls("mid") == pytest.approx(40 * 50 / 2)
    assert facts.projection.under("loop0") == pytest.approx(1000 * 0.05)


def test_loops_in_batch_hooks_are_taken_out_of_the_step() -> None:
    record = make.fit(step_s=0.06, function_s=0.005, seen=60)
    nested = CallSiteRecord(
        kind="predict", site=make.site(7), inside=0, hook="on_train_batch_end", calls=61, run=make.took(0.05, 61)
    )
    assert make.facts(record, loops=[nested]).fits[0].step_s == pytest.approx(0.01)


def test_early_stopping_gives_two_bounds() -> None:
    stopper = make.callback("EarlyStopping", own=False, hooks={}, may_stop=True)
    facts = make.facts(make.fit(epochs=100, callbacks=[stopper]))
    assert facts.basis == "upper bound"
    assert facts.shortest.total_s < facts.projection.total_s
    assert any("upper bound" in sentence for sentence in facts.limits())


def test_an_observed_stop_sets_the_length() -> None:
    stopper = make.callback("EarlyStopping", own=False, hooks={}, may_stop=True)
    facts = make.facts(make.fit(epochs=100, callbacks=[stopper], stopped_at=7, cut=False))
    assert facts.basis == "observed"
    assert facts.fits[0].epochs.mid == 7


def test_an_unknown_length_uses_the_observed_steps_and_is_reported() -> None:
    facts = make.facts(make.fit(steps=None, seen=99, epochs_seen=1))
    assert facts.basis == "unknown"
    assert facts.fits[0].steps_per_epoch == 100
    assert any("lower bound" in sentence for sentence in facts.limits())


def test_time_in_no_duration_is_unattributed() -> None:
    facts = Facts(make.run(make.fit(), fit=100.0))
    assert facts.unattributed_s == pytest.approx(100.0 - facts.fits[0].recorded_s)


@given(
    factor=st.floats(min_value=0.01, max_value=1.0),
    step_s=st.floats(min_value=1e-5, max_value=10),
    epochs=st.integers(min_value=1, max_value=1000),
)
def test_a_unit_never_speeds_the_whole_run_up_more_than_itself(factor: float, step_s: float, epochs: int) -> None:
    before = make.facts(make.fit(step_s=step_s, epochs=epochs)).projection
    speedup = before.total_s / before.scaled({"fit0/step": factor}).total_s
    assert 1 <= speedup <= 1 / factor + 1e-9


def test_an_empty_recording_projects_nothing() -> None:
    record = make.fit(calls=0, step=Duration(), first_step=Duration(), setup=Duration(), teardown=Duration())
    assert make.facts(record).projection.under("fit0/step") == 0
