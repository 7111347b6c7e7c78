"""What the device computes beside the loop is measured."""

from __future__ import annotations

from tests.probe.timing.fake_fit import FakeFit


def test_input_that_is_read_while_steps_are_computed_is_not_idle() -> None:
    fit = FakeFit(computing=100)
    for _ in range(2):
        fit.epoch_begins(0)
        for _ in range(3):
            fit.step(0, 0, function=10, logs=0, end_hook=0, drawn=250)
        fit.epoch_ends(hook=0, after=1)
    record = fit.record
    assert [round(s * 1024) for s in record.input_wait.samples_s] == [250] * 4
    # The step before took the first 90 ticks of each wait.
    assert [round(s * 1024) for s in record.input_idle.samples_s] == [160] * 4
    # 10 of a step's 100 ticks pass before its call returns.
    assert [round(s * 1024) for s in record.device.samples_s] == [90] * 4
    assert record.still_computing.total_s * 1024 == 2 * 90
    assert record.epoch_boundary.total_s * 1024 == 0


def test_the_computing_time_of_a_single_step_belongs_to_that_step() -> None:
    fit = FakeFit(computing=100)
    for _ in range(3):
        fit.epoch_begins(0)
        fit.step(0, 0, function=10, logs=0, end_hook=0, drawn=5)
        fit.epoch_ends(hook=0, after=1)
    record = fit.record
    assert (record.first_step.total_s * 1024, record.epoch_first_step.total_s * 1024) == (105, 2 * 105)
    assert [round(s * 1024) for s in record.device.samples_s] == [90] * 3
    assert (record.still_computing.count, record.epoch_boundary.total_s) == (0, 0)


def test_input_is_hidden_behind_computation_that_takes_longer() -> None:
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
    assert record.validation_overhead.total_s == 0  # it only waited for the training's steps
    assert record.still_computing.total_s * 1024 == 20 + 500 - 5 * 21 - 5


def test_a_step_that_the_loop_waits_for_counts_as_function_not_as_logs() -> None:
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
