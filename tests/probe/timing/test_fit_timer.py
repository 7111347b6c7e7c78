"""The parts of a fit add up to its wall time, whatever its hooks do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.recording.model import Fit, Site
from tests.probe.timing.fake_fit import KINDS, FakeFit, often_skipping
from tests.support.clocks import FakeClock

TICKS = st.integers(0, 2000)
STEP = st.tuples(TICKS, TICKS, TICKS, TICKS, TICKS)
VALIDATION = st.tuples(st.lists(st.tuples(TICKS, TICKS, TICKS), max_size=3), TICKS, TICKS)
EPOCH = st.fixed_dictionaries(
    {
        "hook": TICKS,
        "prepare": TICKS,
        "steps": st.lists(STEP, max_size=9),
        "cut": st.none() | TICKS,
        "validation": st.none() | VALIDATION,
        "end_hook": TICKS,
        "after": TICKS,
        "next": TICKS,
    }
)


@given(
    begin=st.tuples(TICKS, TICKS),
    epochs=st.lists(EPOCH, max_size=4),
    end=st.tuples(TICKS, TICKS),
    broken=st.booleans(),
    computing=st.none() | TICKS,
    skips=st.booleans(),
)
def test_a_fit_adds_up(
    begin: tuple[int, int],
    epochs: list[dict[str, object]],
    end: tuple[int, int],
    broken: bool,
    computing: int | None,
    skips: bool,
) -> None:
    with often_skipping():
        cut = any(epoch["cut"] for epoch in epochs)  # a role that cuts epochs samples all steps
        fit = FakeFit(computing, skips=skips and not cut)
        fit.pass_(begin[0])
        fit.hook(begin[1])
        for number, epoch in enumerate(epochs):
            fit.epoch_begins(epoch["hook"])
            fit.pass_(epoch["prepare"])
            for step in epoch["steps"]:
                fit.step(*step)
            if epoch["cut"] is not None:
                fit.cut(epoch["cut"])
            if number == len(epochs) - 1 and broken:
                break
            if epoch["validation"] is not None:
                fit.validation(*epoch["validation"])
            fit.epoch_ends(epoch["end_hook"], epoch["after"])
            fit.pass_(epoch["next"])
        if not (epochs and broken):
            fit.hook(end[0])
            fit.pass_(end[1])
        fit.timer.fit_ends()
        assert fit.accounted_s() == pytest.approx(fit.wall_s(), abs=1e-9)
        assert all(getattr(fit.record, kind).total_s >= 0 for kind in KINDS)
        steps = sum(len(epoch["steps"]) for epoch in epochs)
        assert (
            fit.timer.train_calls
            == fit.record.first_step.count + fit.record.epoch_first_step.count + fit.record.step.count
            == steps
        )
        assert fit.record.function.count == fit.record.logs.count == fit.record.step.count
        assert fit.record.function.total_s + fit.record.logs.total_s <= fit.record.step.total_s + 1e-9


@pytest.mark.parametrize(("drawn_in", "first"), [("loop", 500 + 10), ("function", 10)])
def test_the_first_step_of_an_epoch_begins_when_its_batch_is_requested(drawn_in: str, first: int) -> None:
    fit = FakeFit()
    fit.record.input_drawn = drawn_in
    for _ in range(2):
        fit.epoch_begins(0)
        fit.pass_(7)
        for wait in (500, 20):
            fit.pass_(wait)
            fit.timer.batch_waited(wait / 1024)
            fit.step(0, 0, 10, 0, 0)
        fit.timer.batch_waited(3 / 1024)  # the input has ended
        fit.epoch_ends(0, 0)
    fit.timer.fit_ends()
    assert fit.record.epoch_first_step.total_s * 1024 == first
    assert fit.record.epoch_first_wait.total_s * 1024 == 500
    assert fit.accounted_s() == fit.wall_s()


def test_each_second_goes_to_its_own_part() -> None:
    fit = FakeFit()
    fit.pass_(10)
    fit.hook(1)
    for _ in range(2):
        fit.epoch_begins(2)
        fit.pass_(20)
        fit.step(wait=0, begin_hook=3, function=100, logs=4, end_hook=5)
        fit.step(wait=30, begin_hook=3, function=100, logs=4, end_hook=5)
        fit.validation([(6, 0, 40), (6, 0, 40)], before=50, hook=7)
        fit.epoch_ends(hook=8, after=9)
        fit.pass_(11)
    fit.hook(1000)
    fit.pass_(12)
    fit.timer.fit_ends()
    record = fit.record
    assert {kind: getattr(record, kind).total_s * 1024 for kind in KINDS} == {
        "setup": 10,
        "first_step": 112,
        "epoch_first_step": 112,
        "step": 2 * (30 + 112),
        "validation_first_step": 40,
        "validation_step": 3 * 40,
        "validation_overhead": 2 * (50 + 2 * 6),
        "still_computing": 0,
        "epoch_boundary": 2 * (20 + 9) + 11,
        "teardown": 11 + 12,
    }
    assert record.logs.total_s * 1024 == 2 * 4
    assert record.function.total_s * 1024 == 2 * 100
    assert (record.epochs_seen, record.first_step.count, record.epoch_first_step.count, record.step.count) == (
        2,
        1,
        1,
        2,
    )


def test_the_shutdown_after_a_cut_is_not_charged() -> None:
    fit = FakeFit()
    fit.epoch_begins(0)
    fit.step(0, 0, 10, 0, 0)
    fit.cut(5000)
    fit.epoch_ends(hook=0, after=7)
    fit.timer.fit_ends()
    assert fit.record.epoch_boundary.total_s * 1024 == 7


def test_a_fit_without_epochs_is_all_setup() -> None:
    fit = FakeFit()
    fit.pass_(10)
    fit.hook(3)
    fit.pass_(2)
    fit.timer.fit_ends()
    assert fit.record.setup.total_s * 1024 == 12
    assert fit.record.teardown.count == 0


def test_calls_of_one_call_site_add_up_in_one_record() -> None:
    record = Fit(site=Site(file="train.py", line=1))
    clock = FakeClock()
    for _ in range(3):
        fit_timer = FitTimer(record, clock=clock)
        clock.pass_(1)
        fit_timer.epoch_begins()
        fit_timer.step_begins()
        clock.pass_(2)
        fit_timer.step_ends()
        fit_timer.epoch_ends()
        fit_timer.epoch_end_returned()
        clock.pass_(4)
        fit_timer.fit_ends()
    assert (record.setup.total_s, record.first_step.total_s, record.teardown.total_s) == (3, 6, 12)
    assert (record.setup.count, record.first_step.count, record.step.count, record.epochs_seen) == (3, 3, 0, 3)


def test_steps_are_counted_if_their_number_is_unknown() -> None:
    fit = FakeFit()
    fit.record.steps_per_execution = 4
    for steps in (2, 3):
        fit.epoch_begins(0)
        for _ in range(steps):
            fit.step(0, 0, 1, 0, 0)
        fit.epoch_ends(0, 0)
    assert fit.record.steps_per_epoch == 12
