"""Skipped steps are counted, and their time is split like that of the sampled steps."""

from __future__ import annotations

import pytest

from fitdoctor.probe.timing import step_sampling
from fitdoctor.probe.timing.durations import add
from fitdoctor.probe.timing.step_sampling import StepSampler
from fitdoctor.recording.model import Duration
from tests.probe.timing.fake_fit import LONG, FakeFit, often_skipping


@pytest.mark.parametrize("steps", range(1, 10))
def test_an_epoch_may_end_when_a_skip_begins(steps: int) -> None:
    with often_skipping():
        fit = FakeFit(computing=1, skips=True)
        fit.epoch_begins(0)
        for _ in range(steps):
            fit.step(0, 0, 0, 0, 0)
        fit.validation([], 0, 0)
        fit.epoch_ends(0, 0)
        fit.timer.fit_ends()
        assert fit.accounted_s() == pytest.approx(fit.wall_s(), abs=1e-9)
        assert fit.wall_s() > 0


def test_skipped_steps_are_split_like_the_sampled_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StepSampler, "_untimed_batches", lambda *_: 0)
    with often_skipping():
        fit = FakeFit(skips=True)
        fit.record.input_drawn = "function"
        keras_own = Duration()
        timed = [True]
        fit.timer.sampler.steady_hooks[lambda: timed.remove(True)] = keras_own
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


def test_untimed_steps_are_split_like_the_timed_ones() -> None:
    with often_skipping():
        fit = FakeFit(skips=True)
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


def test_waits_in_skipped_steps_are_timed_until_they_are_even() -> None:
    with often_skipping(LONG / 1024):
        fit = FakeFit(skips=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        untimed = []

        def until_the_next_skip(drawn: int = 20) -> None:
            while fit.skip.callback_list is not None:
                fit.step(0, 0, 10, 4, 0, drawn=drawn)
            while fit.skip.callback_list is None:
                fit.step(0, 0, 10, 4, 0, drawn=20)
            untimed.append(fit.skip.untimed_batches)

        until_the_next_skip()  # no skip before this one has shown how even they are
        fit.step(0, 0, 10, 4, 0, drawn=LONG)
        until_the_next_skip()  # one wait was long
        until_the_next_skip()
        assert untimed == [0, 0, 3]
        assert fit.record.input_wait.total_s * 1024 == LONG + 20 * (fit.record.input_wait.count - 1)
        until_the_next_skip(drawn=LONG)  # these steps take longer than the sampled ones
        assert untimed[-1] == 0
        until_the_next_skip()
        assert untimed[-1] > 0


def test_waits_for_a_generator_are_all_timed() -> None:
    with often_skipping(LONG / 1024):
        fit = FakeFit(skips=True)
        fit.record.input_drawn, fit.record.input_kind = "function", "generator"
        fit.epoch_begins(0)
        for number in range(40):
            fit.step(0, 0, 10, 4, 0, drawn=5 * LONG if number == 30 else 20)
            assert fit.skip.untimed_batches == 0
        fit.timer.end_skip()
        assert fit.record.input_wait.total_s * 1024 == 5 * LONG + 20 * 38  # the first step has a record of its own


def test_a_long_step_resumes_the_timing_of_waits() -> None:
    with often_skipping(LONG / 1024):
        fit = FakeFit(skips=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        while fit.skip.untimed_batches < 3:
            fit.step(0, 0, 10, 4, 0, drawn=20)
        fit.step(0, 0, 10, 4, 0, drawn=20)
        fit.timer.shorten_skip()  # as the hook does then
        assert (fit.skip.callback_list, fit.skip.untimed_batches, fit.skip.steps_left) == (fit, 0, 2)
        fit.step(0, 0, 10, 4, 0, drawn=LONG)
        while fit.skip.callback_list is not None:
            fit.step(0, 0, 10, 4, 0, drawn=20)
        record = fit.record
        assert record.step.count == record.input_wait.count == fit.timer.epoch_steps - 1
        assert record.input_wait.total_s * 1024 == pytest.approx(20 * (record.step.count - 1) + LONG)
        while fit.skip.callback_list is None:
            fit.step(0, 0, 10, 4, 0, drawn=20)
        assert fit.skip.untimed_batches == 0


def test_skips_are_longer_while_waits_are_even(monkeypatch: pytest.MonkeyPatch) -> None:
    with often_skipping(LONG / 1024):
        monkeypatch.setattr(step_sampling, "SKIP_FACTOR", 30)
        fit = FakeFit(skips=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        lengths = []

        def until_the_next_skip() -> None:
            while fit.skip.callback_list is not None:
                fit.step(0, 0, 10, 4, 0, drawn=20)
            while fit.skip.callback_list is None:
                fit.step(0, 0, 10, 4, 0, drawn=20)
            lengths.append(fit.skip.steps_left)

        until_the_next_skip()
        until_the_next_skip()
        fit.step(0, 0, 10, 4, 0, drawn=20)
        fit.timer.shorten_skip()
        assert lengths == [2, 30 * 1]
        assert fit.skip.steps_left == 2  # after a long step, no more than the first length are timed
        fit.step(0, 0, 10, 4, 0, drawn=LONG)
        until_the_next_skip()
        assert lengths[-1] == 3


def test_no_more_batches_are_untimed_than_the_epoch_has_left() -> None:
    with often_skipping():
        fit = FakeFit(skips=True)
        fit.record.input_drawn = "function"
        fit.timer.sampler.batches_per_step, fit.timer.sampler.epoch_batches = 4, 4 * 7
        untimed = []
        for _ in range(2):
            fit.epoch_begins(0)
            for _ in range(7):
                sampled = fit.skip.callback_list is None
                fit.step(0, 0, 10, 4, 0, drawn=20)
                if fit.skip.untimed_batches and sampled:
                    untimed.append((fit.timer.epoch_steps, fit.skip.untimed_batches))
            fit.epoch_ends(0, 0)
        assert untimed == [(6, 1 * 4), (2, 3 * 4)]  # in the first epoch, the waits between were timed


def test_short_waits_that_are_reported_in_skipped_steps_are_not_idle() -> None:
    """The loop of Keras 3.6 and before reports each of them."""
    with often_skipping(LONG / 1024):
        fit = FakeFit(computing=40, skips=True)
        fit.epoch_begins(0)
        for _ in range(9):
            fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
        while fit.skip.callback_list is None:
            fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
        while fit.skip.callback_list is not None:
            fit.timer.batch_waited(20 / 1024)
            fit.step(0, 0, function=1, logs=0, end_hook=0)
        assert fit.record.input_idle.total_s == 0


def test_long_waits_in_skipped_steps_are_idle() -> None:
    with often_skipping(LONG / 1024):
        fit = FakeFit(computing=40, skips=True)
        fit.record.input_drawn = "function"
        fit.epoch_begins(0)
        for _ in range(30):
            fit.step(0, 0, function=1, logs=0, end_hook=0, drawn=20)
        hidden_s = fit.record.input_idle.total_s
        fit.timer.batch_waited(0.5)
        if fit.skip.callback_list is None:
            fit.step(0, 0, function=1, logs=0, end_hook=0)
            fit.timer.batch_waited(0.5)
        while fit.skip.callback_list is not None:
            fit.step(0, 0, function=1, logs=0, end_hook=0)
        assert hidden_s == 0
        assert fit.record.input_idle.total_s == pytest.approx(0.5)


def test_long_steps_are_all_sampled() -> None:
    fit = FakeFit(skips=True)
    fit.epoch_begins(0)
    for _ in range(400):
        fit.step(0, 0, function=10, logs=4, end_hook=0)
        assert fit.skip.callback_list is None
