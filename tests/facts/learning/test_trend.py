from __future__ import annotations

import random

import pytest

from fitdoctor.facts.learning.trend import growth


def noisy(figures: list[float], by: float = 0.05) -> list[float]:
    chance = random.Random(1)
    return [figure * chance.uniform(1 - by, 1 + by) for figure in figures]


def test_steady_growth_is_detected_in_noise() -> None:
    found = growth(noisy([1 + at / 50 for at in range(50)]))
    assert found is not None
    assert found.ratio == pytest.approx(1.67, rel=0.1)


@pytest.mark.parametrize(
    "figures",
    [
        noisy([1.0] * 50),
        noisy([1.0] * 25 + [2.0] * 25),
        [1.0] * 24 + [50.0] + [1.0] * 25,
        [2 - at / 50 for at in range(50)],
        [1.0, 2.0] * 25,
        [1 + at / 5 for at in range(8)],
        noisy([2 - 1 / (at + 1) for at in range(50)]),
        [],
    ],
    ids=["flat", "a jump", "a hiccup", "faster", "in turns", "too few", "levels out", "none"],
)
def test_other_series_are_no_trend(figures: list[float]) -> None:
    assert growth(figures) is None


def test_chance_rarely_makes_a_trend_and_never_a_large_one() -> None:
    chance = random.Random(2)
    found = [made for _ in range(2000) if (made := growth([chance.gauss(1, 0.1) for _ in range(48)])) is not None]
    assert len(found) <= 4
    assert all(made.ratio < 1.15 for made in found)
