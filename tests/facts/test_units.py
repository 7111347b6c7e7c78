from __future__ import annotations

import pytest

from fitdoctor.facts.units import capped, first_extra_s, typical_s, unit_interval, unit_s, warm_up_s
from fitdoctor.recording.model import Duration
from fitdoctor.report.model import Interval


def test_later_half_counts_once_there_are_enough_samples() -> None:
    settling = Duration(count=21, total_s=70.0, first_s=10.0, samples_s=[5.0] * 10 + [1.0] * 10)
    assert unit_s(settling) == 1.0
    assert first_extra_s(settling) == 9.0


def test_few_samples_leave_the_first_one_out() -> None:
    assert unit_s(Duration(count=3, total_s=6.0, first_s=4.0, samples_s=[1.0, 1.0])) == 1.0


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(Duration(count=1, total_s=2.0, first_s=2.0), 2.0), (Duration(first_s=3.0), 3.0), (Duration(), 0.0)],
)
def test_without_samples_the_mean_or_the_first_counts(duration: Duration, expected: float) -> None:
    assert unit_s(duration) == expected
    assert unit_interval(duration).low == unit_interval(duration).high == expected


def test_interval_narrows_with_samples() -> None:
    few = unit_interval(Duration(count=5, samples_s=[1.0, 2.0, 1.0, 2.0]))
    many = unit_interval(Duration(count=101, samples_s=[1.0, 2.0] * 50))
    assert few.high - few.low > many.high - many.low > 0


def test_one_hiccup_does_not_change_the_typical_value() -> None:
    assert typical_s(Duration(count=2, total_s=4.2, first_s=0.03, samples_s=[4.17])) == 0.03
    assert typical_s(Duration(count=2, total_s=0.08, first_s=0.06, samples_s=[0.02])) == 0.02
    assert typical_s(Duration()) == 0


def test_the_warm_up_is_separate_from_the_settled_unit() -> None:
    took = Duration(count=100, total_s=3.0, samples_s=[0.04] * 50 + [0.02] * 50)
    assert unit_s(took) == pytest.approx(0.02)
    assert warm_up_s(took) == pytest.approx(1.0)
    assert warm_up_s(Duration()) == 0


def test_periodic_units_are_averaged_over_whole_periods() -> None:
    epoch = [0.04] * 80 + [0.0] * 20  # a shuffle's buffer runs empty at the end
    seen = [*epoch, *epoch[:40]]
    took = Duration(count=len(seen), total_s=sum(seen), samples_s=seen)
    assert unit_s(took, 100) == pytest.approx(0.032)
    assert unit_s(took) == pytest.approx(0.04 * 50 / 70)
    assert warm_up_s(took, 100) == pytest.approx(sum(seen) - 140 * 0.032)


def test_periods_stay_whole_if_samples_are_thinned() -> None:
    epoch = [0.04] * 80 + [0.0] * 20
    samples = (epoch * 5 + epoch[:60])[::2]
    assert unit_s(Duration(count=560, total_s=1.0, samples_s=samples), 100) == pytest.approx(0.032)


def test_less_than_a_period_uses_the_later_half() -> None:
    samples = [0.08] * 10 + [0.04] * 10
    assert unit_s(Duration(count=20, total_s=1.2, samples_s=samples), 100) == pytest.approx(0.04)


def test_a_cost_is_capped_by_the_whole() -> None:
    assert capped(Interval(low=1.0, mid=6.0, high=9.0), 5.0) == Interval(low=1.0, mid=5.0, high=5.0)
