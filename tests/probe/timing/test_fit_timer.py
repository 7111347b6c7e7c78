"""A fit's parts add up to its wall time, whatever its hooks do: the proof that the budget adds up."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import fsum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.probe.timing import fit_timer
from fitdoctor.probe.timing.device_overlap import Overlap
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.fit_timer import FitTimer
from fitdoctor.probe.timing.step_sampling import Rest
from fitdoctor.recording.model import Duration, Fit, Site
from tests.probe.clocks import FakeClock

LONG = 300
"""Ticks of a wait that is told by itself, whatever is looked at."""
KINDS = (
    "setup", "first_step", "epoch_first_step", "step", "validation_first_step", "validation_step", "validation_overhead",
    "still_computing", "epoch_boundary", "teardown",
)  # fmt: skip


class FakeFit:
    """Calls a timer as the probe does while Keras runs a fit. Each of its methods takes the time that it is given.

    Times are multiples of 1/1024 s, which add up without rounding. With `computing`, steps are computed one after the
    other for so many ticks each, behind calls that return at once, and the end of an epoch or of a validation pass
    waits for them."""

    def __init__(self, computing: int | None = None, *, rests: bool = False) -> None:
        self.computing = computing
        self.queue: list[tuple[int, float]] = []
        self.clock = FakeClock(100.0)
        self.record = Fit(site=Site(file="train.py", line=1), input_kind="arrays")
        self.timer = FitTimer(self.record, clock=self.clock, rest=Rest() if rests else None)
        self.timer.callbacks = self
        self.step_hooks_s = self.shut_down_s = 0.0
        if computing is not None:
            self.timer.overlap = Overlap()

    def pass_(self, ticks: int) -> None:
        self.clock.pass_(ticks / 1024)
        while self.queue and self.queue[0][1] <= self.clock():
            self.timer.overlap.done(*self.queue.pop(0))

    def flush(self) -> None:
        """Waits until all that was sent is computed."""
        if self.queue:
            self.pass_(max(0, int((self.queue[-1][1] - self.clock()) * 1024)))

    def send(self) -> None:
        if self.computing is not None:
            before_s = self.queue[-1][1] if self.queue else 0.0
            self.queue.append((self.timer.epoch_steps, max(before_s, self.clock()) + self.computing / 1024))

    def hook(self, ticks: int, *, in_step: bool = False) -> None:
        """A callback's own hook."""
        self.pass_(ticks)
        self.timer.hooks_s += ticks / 1024
        self.step_hooks_s += ticks / 1024 if in_step else 0

    def epoch_begins(self, hook: int) -> None:
        self.timer.epoch_begins()
        self.hook(hook)

    def step(self, wait: int, begin_hook: int, function: int, logs: int, end_hook: int, drawn: int = 0) -> None:
        if self.timer.rest.of is self:
            self.step_at_rest(wait, begin_hook, function, logs, end_hook, drawn)
            return
        self.pass_(wait)
        self.timer.step_begins()
        self.hook(begin_hook, in_step=True)
        self.timer.step_dispatched()
        self.pass_(drawn)
        if self.computing is not None or drawn:
            self.timer.drew(drawn / 1024)
        self.send()
        self.pass_(function)
        self.timer.step_returned()
        self.pass_(logs)
        self.hook(end_hook, in_step=True)
        self.timer.step_ends()

    def step_at_rest(self, wait: int, begin_hook: int, function: int, logs: int, end_hook: int, drawn: int) -> None:
        self.pass_(wait)
        self.hook(begin_hook, in_step=True)
        self.pass_(drawn)
        rest = self.timer.rest
        if rest.passing:
            rest.passing -= 1
        elif drawn < LONG:
            rest.drawn_s += drawn / 1024
        else:
            self.timer.drew(drawn / 1024)
        self.pass_(function + logs)
        self.hook(end_hook, in_step=True)
        self.timer.rest.ended_s = self.clock()
        self.timer.rest.left -= 1
        if not self.timer.rest.left:
            self.timer.rested_enough()

    def validation(self, steps: list[tuple[int, int, int]], before: int, hook: int) -> None:
        self.uncut()
        self.timer.validation_begins()
        self.pass_(before)
        self.hook(hook)
        for wait, begin_hook, work in steps:
            self.pass_(wait)
            self.timer.validation_step_begins()
            self.hook(begin_hook, in_step=True)
            self.pass_(work)
            self.timer.validation_step_ends()
        self.flush()
        self.hook(hook)
        self.timer.validation_ends()

    def cut(self, shut_down: int) -> None:
        self.timer.cut()
        self.pass_(shut_down)
        self.shut_down_s += shut_down / 1024

    def uncut(self) -> None:
        self.timer.uncut()

    def epoch_ends(self, hook: int, after: int) -> None:
        self.timer.uncut()
        self.pass_(after)
        self.flush()
        self.hook(hook)
        self.timer.epoch_ends()
        self.timer.epoch_end_returned()

    def accounted_s(self) -> float:
        """What the record says, hooks that are no part of a step, and what a cut epoch's input took to shut down."""
        kinds = fsum(getattr(self.record, kind).total_s for kind in KINDS)
        return kinds + self.timer.hooks_s - self.step_hooks_s + self.shut_down_s

    def wall_s(self) -> float:
        return self.clock() - self.timer.began_s


@contextmanager
def often_resting(long_s: float = 10.0) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {"LOOKED_FIRST": 1, "LOOKED": 2, "RESTS": (2, 1, 3), "LONGER": 1, "LONG_S": long_s}.items():
            patched.setattr(fit_timer, name, value)
        yield


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
    rests=st.booleans(),
)
def test_a_fit_adds_up(
    begin: tuple[int, int],
    epochs: list[dict[str, object]],
    end: tuple[int, int],
    broken: bool,
    computing: int | None,
    rests: bool,
) -> None:
    with often_resting():
        fit = FakeFit(
            computing, rests=rests and not any(epoch["cut"] for epoch in epochs)
        )  # who cuts looks at each step
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


@pytest.mark.parametrize("steps", range(1, 10))
def test_an_epoch_may_end_as_a_rest_begins(steps: int) -> None:
    with often_resting():
        fit = FakeFit(computing=1, rests=True)
        fit.epoch_begins(0)
        for _ in range(steps):
            fit.step(0, 0, 0, 0, 0)
        fit.validation([], 0, 0)
        fit.epoch_ends(0, 0)
        fit.timer.fit_ends()
        assert fit.accounted_s() == pytest.approx(fit.wall_s(), abs=1e-9)
        assert fit.wall_s() > 0


def test_what_passes_while_it_rests_is_split_as_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FitTimer, "_draws_in", lambda timer, steps: 0)  # all batches are timed
    with often_resting():
        fit = FakeFit(rests=True)
        fit.record.input_drawn = "function"
        keras_own = Duration()
        timed = [True]
        fit.timer.alike[lambda: timed.remove(True)] = keras_own
        fit.epoch_begins(0)
        for number in range(40):
            drawn = 320 if number % 10 == 9 else 20
            if not timed:
                fit.step(0, 1, function=10, logs=4 + 2, end_hook=0, drawn=drawn)
            else:
                add(keras_own, 2 / 1024)
                fit.step(0, 1, function=10, logs=4, end_hook=2, drawn=drawn)
        fit.epoch_ends(0, 0)
        record = fit.record
        assert record.step.count == record.function.count == record.input_wait.count == 39
        assert record.step.total_s * 1024 == 39 * 37 + 4 * 300
        assert record.input_wait.total_s * 1024 == 39 * 20 + 4 * 300
        assert record.function.total_s * 1024 == pytest.approx(39 * 30 + 4 * 300, rel=0.05)
        assert record.logs.total_s * 1024 == pytest.approx(39 * 4, rel=0.05)
        assert keras_own.count == 40
        assert sum(record.step.samples_s) == pytest.approx(record.step.total_s)


def test_what_passes_with_no_clock_is_split_as_before_it() -> None:
    with often_resting():
        fit = FakeFit(rests=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        for _ in range(40):
            fit.step(0, 1, function=10, logs=4, end_hook=2, drawn=20)
        fit.epoch_ends(0, 0)
        record = fit.record
        assert record.step.count == record.function.count == record.input_wait.count == 39
        assert record.step.total_s * 1024 == 39 * 37
        assert record.input_wait.total_s * 1024 == pytest.approx(39 * 20)
        assert record.function.total_s * 1024 == pytest.approx(39 * 30)
        assert record.logs.total_s * 1024 == pytest.approx(39 * 4)


def test_batches_are_timed_while_it_rests_until_their_waits_were_even() -> None:
    with often_resting(LONG / 1024):
        fit = FakeFit(rests=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        passing = []

        def until_it_rests(drawn: int = 20) -> None:
            while fit.timer.rest.of is not None:
                fit.step(0, 0, 10, 4, 0, drawn=drawn)
            while fit.timer.rest.of is None:
                fit.step(0, 0, 10, 4, 0, drawn=20)
            passing.append(fit.timer.rest.passing)

        until_it_rests()  # of the first one nothing is known before it
        fit.step(0, 0, 10, 4, 0, drawn=LONG)
        until_it_rests()  # one wait was long
        until_it_rests()
        assert passing == [0, 0, 3]
        assert fit.record.input_wait.total_s * 1024 == LONG + 20 * (fit.record.input_wait.count - 1)
        until_it_rests(drawn=LONG)  # so many steps take longer than those before them
        assert passing[-1] == 0
        until_it_rests()
        assert passing[-1] > 0


def test_batches_of_what_may_stall_are_all_timed() -> None:
    with often_resting(LONG / 1024):
        fit = FakeFit(rests=True)
        fit.record.input_drawn, fit.record.input_kind = "function", "generator"
        fit.epoch_begins(0)
        for number in range(40):
            fit.step(0, 0, 10, 4, 0, drawn=5 * LONG if number == 30 else 20)
            assert fit.timer.rest.passing == 0
        fit.timer.rouse()
        assert fit.record.input_wait.total_s * 1024 == 5 * LONG + 20 * 38  # the first step stands apart


def test_a_long_step_has_batches_timed_again() -> None:
    with often_resting(LONG / 1024):
        fit = FakeFit(rests=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        while fit.timer.rest.passing < 3:
            fit.step(0, 0, 10, 4, 0, drawn=20)
        fit.step(0, 0, 10, 4, 0, drawn=20)
        fit.timer.long_step()  # as its seam says then
        assert (fit.timer.rest.of, fit.timer.rest.passing, fit.timer.rest.left) == (fit, 0, 2)
        fit.step(0, 0, 10, 4, 0, drawn=LONG)
        while fit.timer.rest.of is not None:
            fit.step(0, 0, 10, 4, 0, drawn=20)
        record = fit.record
        assert record.step.count == record.input_wait.count == fit.timer.epoch_steps - 1
        assert record.input_wait.total_s * 1024 == pytest.approx(20 * (record.step.count - 1) + LONG)
        while fit.timer.rest.of is None:
            fit.step(0, 0, 10, 4, 0, drawn=20)
        assert fit.timer.rest.passing == 0


def test_it_rests_longer_once_no_batch_is_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    with often_resting(LONG / 1024):
        monkeypatch.setattr(fit_timer, "LONGER", 30)
        fit = FakeFit(rests=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        rests = []

        def until_it_rests_again() -> None:
            while fit.timer.rest.of is not None:
                fit.step(0, 0, 10, 4, 0, drawn=20)
            while fit.timer.rest.of is None:
                fit.step(0, 0, 10, 4, 0, drawn=20)
            rests.append(fit.timer.rest.left)

        until_it_rests_again()
        until_it_rests_again()
        fit.step(0, 0, 10, 4, 0, drawn=20)
        fit.timer.long_step()
        assert (rests, fit.timer.rest.left) == (
            [2, 30 * 1],
            2,
        )  # what is timed after a long step is no longer than the first rest
        fit.step(0, 0, 10, 4, 0, drawn=LONG)
        until_it_rests_again()
        assert rests[-1] == 3


def test_no_more_batches_pass_than_the_epoch_has_left() -> None:
    with often_resting():
        fit = FakeFit(rests=True)
        fit.record.input_drawn, fit.timer.at_once, fit.timer.epoch_batches = "function", 4, 4 * 7
        passing = []
        for _ in range(2):
            fit.epoch_begins(0)
            for _ in range(7):
                looked_at = fit.timer.rest.of is None
                fit.step(0, 0, 10, 4, 0, drawn=20)
                if fit.timer.rest.passing and looked_at:
                    passing.append((fit.timer.epoch_steps, fit.timer.rest.passing))
            fit.epoch_ends(0, 0)
        assert passing == [(6, 1 * 4), (2, 3 * 4)]  # in the first epoch those between were timed


def test_short_waits_that_are_told_while_it_rests_are_no_long_ones() -> None:
    """As in the loop of Keras 3.6 and before, which tells each of them."""
    with often_resting(LONG / 1024):
        fit = FakeFit(computing=40, rests=True)
        fit.epoch_begins(0)
        for _ in range(9):
            fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
        while fit.timer.rest.of is None:
            fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
        while fit.timer.rest.of is not None:
            fit.timer.drew(20 / 1024)
            fit.step(0, 0, function=1, logs=0, end_hook=0)
        assert fit.record.input_idle.total_s == 0


def test_long_waits_while_it_rests_are_idle() -> None:
    with often_resting(LONG / 1024):
        fit = FakeFit(computing=40, rests=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        for _ in range(30):
            fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
        hidden_s = fit.record.input_idle.total_s
        fit.timer.drew(0.5)
        if fit.timer.rest.of is None:
            fit.step(0, 0, function=1, logs=0, end_hook=0)
            fit.timer.drew(0.5)
        while fit.timer.rest.of is not None:
            fit.step(0, 0, function=1, logs=0, end_hook=0)
        assert hidden_s == 0
        assert fit.record.input_idle.total_s == pytest.approx(0.5)


@pytest.mark.parametrize(("drawn_in", "first"), [("loop", 500 + 10), ("function", 10)])
def test_the_first_step_of_an_epoch_begins_where_its_batch_is_asked_for(drawn_in: str, first: int) -> None:
    fit = FakeFit()
    fit.record.input_drawn = drawn_in
    for _ in range(2):
        fit.epoch_begins(0)
        fit.pass_(7)
        for wait in (500, 20):
            fit.pass_(wait)
            fit.timer.drew(wait / 1024)
            fit.step(0, 0, 10, 0, 0)
        fit.timer.drew(3 / 1024)  # and there is none any more
        fit.epoch_ends(0, 0)
    fit.timer.fit_ends()
    assert fit.record.epoch_first_step.total_s * 1024 == first
    assert fit.record.epoch_first_wait.total_s * 1024 == 500
    assert fit.accounted_s() == fit.wall_s()


def test_long_steps_are_all_looked_at() -> None:
    fit = FakeFit(rests=True)
    fit.epoch_begins(0)
    for _ in range(400):
        fit.step(0, 0, function=10, logs=4, end_hook=0)
        assert fit.timer.rest.of is None


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


def test_input_that_is_drawn_while_steps_are_computed_is_told_apart() -> None:
    fit = FakeFit(computing=100)
    for _ in range(2):
        fit.epoch_begins(0)
        for _ in range(3):
            fit.step(0, 0, function=10, logs=0, end_hook=0, drawn=250)
        fit.epoch_ends(hook=0, after=1)
    record = fit.record
    assert [round(s * 1024) for s in record.input_wait.samples_s] == [250] * 4
    assert [round(s * 1024) for s in record.input_idle.samples_s] == [
        160
    ] * 4  # the step before took the first 90 of them
    assert [round(s * 1024) for s in record.device.samples_s] == [
        90
    ] * 4  # of its 100 ticks, 10 passed before the call returned
    assert record.still_computing.total_s * 1024 == 2 * 90
    assert record.epoch_boundary.total_s * 1024 == 0


def test_what_a_single_step_is_computed_for_is_its_own() -> None:
    fit = FakeFit(computing=100)
    for _ in range(3):
        fit.epoch_begins(0)
        fit.step(0, 0, function=10, logs=0, end_hook=0, drawn=5)
        fit.epoch_ends(hook=0, after=1)
    record = fit.record
    assert (record.first_step.total_s * 1024, record.epoch_first_step.total_s * 1024) == (105, 2 * 105)
    assert [round(s * 1024) for s in record.device.samples_s] == [90] * 3
    assert (record.still_computing.count, record.epoch_boundary.total_s) == (0, 0)


def test_steps_that_computing_holds_up_hide_their_input() -> None:
    fit = FakeFit(computing=100)
    fit.epoch_begins(0)
    for _ in range(5):
        fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
    fit.validation([(0, 0, 5)], before=10, hook=0)
    fit.epoch_ends(hook=0, after=0)
    record = fit.record
    assert record.input_wait.total_s * 1024 == 4 * 20
    assert record.input_idle.total_s == 0
    assert [round(s * 1024) for s in record.device.samples_s] == [100] * 4
    assert record.validation_overhead.total_s == 0  # it waited for the training's steps, and for nothing else
    assert record.still_computing.total_s * 1024 == 20 + 500 - 5 * 21 - 5


def test_a_step_that_the_loop_waits_for_is_no_log() -> None:
    fit = FakeFit(computing=100)
    fit.epoch_begins(0)
    for _ in range(3):
        fit.timer.step_begins()
        fit.timer.step_dispatched()
        fit.pass_(5)
        fit.timer.step_returned()
        fit.pass_(95)
        fit.timer.computed(fit.timer.epoch_steps, hooks_s=0.0, here=True)
        fit.pass_(2)
        fit.timer.step_ends()
    assert fit.record.function.total_s * 1024 == 2 * 100
    assert fit.record.logs.total_s * 1024 == 2 * 2


def test_what_shuts_down_after_a_cut_is_no_cost_of_the_training() -> None:
    fit = FakeFit()
    fit.epoch_begins(0)
    fit.step(0, 0, 10, 0, 0)
    fit.cut(5000)
    fit.epoch_ends(hook=0, after=7)
    fit.timer.fit_ends()
    assert fit.record.epoch_boundary.total_s * 1024 == 7


def test_a_fit_of_no_epochs_is_all_set_up() -> None:
    fit = FakeFit()
    fit.pass_(10)
    fit.hook(3)
    fit.pass_(2)
    fit.timer.fit_ends()
    assert fit.record.setup.total_s * 1024 == 12
    assert fit.record.teardown.count == 0


def test_calls_of_one_place_add_up_in_one_record() -> None:
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


def test_steps_are_counted_where_their_number_is_unknown() -> None:
    fit = FakeFit()
    fit.record.steps_per_execution = 4
    for steps in (2, 3):
        fit.epoch_begins(0)
        for _ in range(steps):
            fit.step(0, 0, 1, 0, 0)
        fit.epoch_ends(0, 0)
    assert fit.record.steps_per_epoch == 12
