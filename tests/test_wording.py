"""Words for durations, shares and counts."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.wording import duration, percent, plural


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (4e-5, "40 µs"),
        (0.0004, "400 µs"),
        (0.0052, "5.2 ms"),
        (0.85, "850 ms"),
        (0.9999, "1.0 s"),
        (4.23, "4.2 s"),
        (9.97, "10 s"),
        (42, "42 s"),
        (59.7, "1 min"),
        (2480, "41 min 20 s"),
        (3599.8, "1 h"),
        (11520, "3 h 12 min"),
        (86399, "1 d"),
        (187200, "2 d 4 h"),
        (-3, "-3.0 s"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@given(seconds=st.floats(0, 1e9, allow_nan=False))
def test_a_duration_is_never_sixty_of_a_unit(seconds: float) -> None:
    assert not re.search(r"\b60 (s|min)|\b24 h|\b1000 (ms|µs)", duration(seconds))


def test_a_small_share_is_not_zero_percent_and_nouns_follow_their_count() -> None:
    assert [percent(0), percent(0.004), percent(0.256)] == ["0 %", "under 1 %", "26 %"]
    assert [plural(1, "change"), plural(3, "change"), plural(2, "cause is", "causes are")] == [
        "1 change",
        "3 changes",
        "2 causes are",
    ]
