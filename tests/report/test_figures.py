from __future__ import annotations

import pytest

from fitdoctor.report.figures import GLUE, bind, duration_range, ratio, ratio_range, share, speedup
from fitdoctor.report.model import Interval
from fitdoctor.wording import plural


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (1620, 1740, "27–29 min"),
        (120, 230, "2.0–3.8 min"),
        (0.01, 0.02, "10–20 ms"),
        (0.86, 1.535, "0.9–1.5 s"),
        (30, 100, "30–100 s"),
        (41.6, 42.1, "42 s"),
        (0, 7200, "0.0–2.0 h"),
        (0, 0, "0.0 ms"),
    ],
)
def test_intervals_of_durations_share_a_unit(low: float, high: float, text: str) -> None:
    assert duration_range(low, high) == text


def test_ratios_are_finer_near_one() -> None:
    assert [ratio(value) for value in (0.974, 1.081, 2.9, 34.4)] == ["0.97×", "1.08×", "2.9×", "34×"]
    assert speedup(Interval(low=2.71, mid=2.9, high=3.1)) == "2.9× [2.7, 3.1]"
    assert ratio_range(Interval(low=1.99, mid=2.9, high=3.1)) == "2.0× to 3.1×"


def test_shares_and_counts() -> None:
    assert [share(value) for value in (0, 0.004, 0.0125, 0.71, 1)] == ["0 %", "<1 %", "1 %", "71 %", "100 %"]
    assert [plural(1, "step"), plural(12500, "step"), plural(2, "pass", "passes")] == [
        "1 step",
        "12,500 steps",
        "2 passes",
    ]


@pytest.mark.parametrize("figure", ["41 min 20 s", "71 %", "2.9× [2.7, 3.1]", "850 ms", "2 d 4 h", "12 kB"])
def test_a_figure_is_not_broken_across_lines(figure: str) -> None:
    bound = bind(f"It takes {figure} here")
    assert bound == f"It takes {figure.replace(' ', GLUE)} here"
