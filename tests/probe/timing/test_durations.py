"""A few hundred samples describe any number of durations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.facts.units import unit_s
from fitdoctor.probe.timing.durations import SAMPLES, add, add_many, lengthen
from fitdoctor.recording.model import Duration


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5 * SAMPLES))
def test_samples_are_means_in_succession_and_bounded(ticks: list[int]) -> None:
    duration = Duration()
    for each in ticks:
        add(duration, each / 1024)
    assert (duration.count, duration.first_s) == (len(ticks), ticks[0] / 1024)
    assert duration.total_s == sum(ticks) / 1024
    later = ticks[1:]
    apart = 1
    while len(later[::apart]) > SAMPLES:
        apart *= 2
    blocks = [later[start : start + apart] for start in range(0, len(later), apart)]
    assert duration.samples_s == pytest.approx([sum(block) / len(block) / 1024 for block in blocks])


@given(st.lists(st.tuples(st.integers(1, 600), st.integers(0, 1000)), min_size=1, max_size=8))
def test_equal_durations_are_added_as_if_one_by_one(stretches: list[tuple[int, int]]) -> None:
    at_once, one_by_one = Duration(), Duration()
    for count, each in stretches:
        add_many(at_once, count, count * each)
        for _ in range(count):
            add(one_by_one, each, first=False)
    assert at_once.count == one_by_one.count
    assert at_once.total_s == one_by_one.total_s
    assert at_once.samples_s == pytest.approx(one_by_one.samples_s)


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=3 * SAMPLES), st.integers(0, 1000))
def test_the_latest_duration_is_lengthened(ticks: list[int], more: int) -> None:
    lengthened, at_once = Duration(), Duration()
    for each in ticks:
        add(lengthened, each / 1024)
    lengthen(lengthened, more / 1024)
    for each in (*ticks[:-1], ticks[-1] + more):
        add(at_once, each / 1024)
    assert (lengthened.count, lengthened.total_s, lengthened.first_s) == (
        at_once.count,
        at_once.total_s,
        at_once.first_s,
    )
    assert lengthened.samples_s == pytest.approx(at_once.samples_s)


@pytest.mark.parametrize("period", [2, 64, 100])
def test_periodic_long_steps_have_their_due_weight_in_the_samples(period: int) -> None:
    duration = Duration()
    for number in range(6400):
        add(duration, 1.0 if number % period == period - 1 else 0.0)
    assert unit_s(duration) == pytest.approx(1 / period, rel=0.05)
