"""Waits for batches are timed, unless steps are skipped and their waits are even."""

from __future__ import annotations

import time
from typing import Any

import pytest

from fitdoctor.probe.instrument.batch_waits import BLOCK_BATCHES, TimedBatches
from fitdoctor.probe.timing.step_sampling import StepSkip


def test_a_timed_iterator_behaves_like_the_one_that_it_holds() -> None:
    def batches() -> Any:
        time.sleep(0.01)
        yield 1
        yield 2
        time.sleep(0.01)
        yield 3

    drawn_s: list[float] = []
    skip = StepSkip()
    draws = TimedBatches(batches(), skip, drawn_s.append)
    assert next(draws) == 1
    assert drawn_s[0] >= 0.01
    skip.callback_list = object()
    assert next(draws) == 2
    assert len(drawn_s) == 1
    assert 0 < skip.waited_s < 0.01
    assert list(draws) == [3]  # a long wait is always reported
    assert len(drawn_s) == 2
    draws.close()
    with pytest.raises(AttributeError):
        draws.nothing  # noqa: B018 - the look-up itself fails


@pytest.mark.parametrize("untimed", [1, 3, 99])
def test_batches_may_be_untimed_while_steps_are_skipped(untimed: int) -> None:
    drawn_s: list[float] = []
    skip = StepSkip()
    draws = TimedBatches(range(10), skip, drawn_s.append)
    assert next(draws) == 0
    skip.callback_list, skip.untimed_batches = object(), untimed
    found = [next(draws)]
    assert skip.untimed_batches == max(0, untimed - BLOCK_BATCHES)  # a block of them has begun
    assert found + list(draws) == list(range(1, 10))
    assert len(drawn_s) == 1
    assert (skip.waited_s > 0) == (untimed < 9)
    assert list(draws) == []


def test_batches_are_timed_again_once_steps_are_sampled() -> None:
    drawn_s: list[float] = []
    skip = StepSkip()
    draws = TimedBatches(range(100), skip, drawn_s.append)
    next(draws)
    skip.callback_list, skip.untimed_batches = object(), 90
    next(draws)
    skip.end()
    for _ in range(60):
        next(draws)
    assert len(drawn_s) == 1 + 60 - (BLOCK_BATCHES - 1)


@pytest.mark.parametrize("untimed", [0, 99])
def test_nothing_is_requested_from_an_input_that_has_ended(untimed: int) -> None:
    class Ends:
        """Is like an input that waits for a thread, which has ended too."""

        def __init__(self) -> None:
            self.requested = 0

        def __iter__(self) -> Ends:
            return self

        def __next__(self) -> int:
            self.requested += 1
            if self.requested == 3:
                raise StopIteration
            return self.requested

    skip, batches = StepSkip(callback_list=object()), Ends()
    draws = TimedBatches(batches, skip, [].append)
    found = [next(draws)]
    skip.untimed_batches = untimed
    assert found + list(draws) == [1, 2]
    assert batches.requested == 3


def test_all_batches_are_timed_while_steps_are_sampled() -> None:
    skip, drawn_s = StepSkip(untimed_batches=5), list[float]()
    assert list(TimedBatches(range(3), skip, drawn_s.append)) == [0, 1, 2]
    assert (len(drawn_s), skip.untimed_batches) == (3, 5)


@pytest.mark.parametrize("untimed", [0, 5])
def test_an_error_of_the_input_has_no_frame_of_ours(untimed: int) -> None:
    def batches() -> Any:
        yield 1
        yield 1 / 0

    skip = StepSkip(callback_list=object(), untimed_batches=untimed)
    draws = TimedBatches(batches(), skip, [].append)
    assert next(draws) == 1
    with pytest.raises(ZeroDivisionError) as raised:
        next(draws)
    assert [frame.name for frame in raised.traceback[1:]] == ["batches"]
    assert list(draws) == []
