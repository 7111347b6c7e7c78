"""The untimed steps before a window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fitdoctor.probe.trials.units.lead_in import lead_of


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Input:
    """An input whose batches take `seconds` each, after the first `stored` ones."""

    def __init__(self, clock: Clock, seconds: float, *, stored: int = 0) -> None:
        self.clock, self.seconds, self.stored, self.drawn = clock, seconds, stored, 0

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        self.drawn += 1
        self.clock.now_s += self.seconds if self.drawn > self.stored else 0.0
        return self.drawn


def lead(draw_s: float, *, held: int, unit_s: float, stored: int = 0) -> tuple[int, int]:
    clock = Clock()
    batches = Input(clock, draw_s, stored=stored)
    return lead_of(batches, held=held, unit_s=unit_s, clock=clock), batches.drawn


def test_the_lead_of_short_steps_uses_up_the_buffer_without_extra_draws() -> None:
    assert lead(0.001, held=3, unit_s=0.002) == (4, 0)


def test_long_steps_with_quick_input_need_no_lead() -> None:
    assert lead(0.01, held=3, unit_s=1.0)[0] == 0


@pytest.mark.parametrize("stored", [0, 3])
def test_long_steps_that_wait_for_their_input_have_a_lead(stored: int) -> None:
    assert lead(1.0, held=3, unit_s=1.0, stored=stored)[0] == 4


def test_slow_input_is_detected_by_few_draws() -> None:
    assert lead(2.0, held=8, unit_s=2.0)[1] <= 2
