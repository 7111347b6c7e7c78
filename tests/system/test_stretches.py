from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.system.source import Reading
from fitdoctor.system.stretches import MOST, Stretches

amounts = st.floats(0, 1e6, allow_nan=False).map(lambda value: round(value, 3))
ticks = st.lists(
    st.tuples(st.floats(0.01, 10).map(lambda value: round(value, 3)), amounts, amounts), min_size=1, max_size=80
)


@given(ticks, st.sampled_from([2, 4, 8, 16]))
def test_totals_means_and_ends_stay_however_often_stretches_are_joined(
    found: list[tuple[float, float, float]], most: int
) -> None:
    stretches = Stretches(most)
    stretches.begin({"": Reading(counters={"count": 5.0})})
    count = 5.0
    for seconds, more, level in found:
        count += more
        stretches.add(seconds, {"": Reading(counters={"count": count}, levels={"level": level})})
    series = stretches.series[""]
    level = series.levels["level"]
    assert len(stretches.lengths_s) < most or most == 2
    assert {len(column) for column in (series.counters["count"], level.mean, level.least, level.most)} == {
        len(stretches.lengths_s)
    }
    whole_s = sum(seconds for seconds, _, _ in found)
    assert sum(stretches.lengths_s) == pytest.approx(whole_s)
    assert sum(value or 0.0 for value in series.counters["count"]) == pytest.approx(count - 5.0, abs=1e-3)
    mean = sum((value or 0.0) * length for value, length in zip(level.mean, stretches.lengths_s, strict=True)) / whole_s
    assert mean == pytest.approx(sum(value * seconds for seconds, _, value in found) / whole_s, abs=1e-3)
    assert min(value for value in level.least if value is not None) == min(value for _, _, value in found)
    assert max(value for value in level.most if value is not None) == max(value for _, _, value in found)


@given(st.lists(st.none() | amounts, min_size=1, max_size=60))
def test_counters_that_wrap_go_backwards_or_fall_out_never_add_less_than_nothing(values: list[float | None]) -> None:
    stretches = Stretches(4)
    stretches.begin({"": Reading()})
    for value in values:
        stretches.add(1.0, {"": Reading(counters={} if value is None else {"count": value})})
    kept = stretches.series[""].counters.get("count", []) if "" in stretches.series else []
    known = [value for value in values if value is not None]
    assert all(value is None or value >= 0 for value in kept)
    risen = sum(max(0.0, after - before) for before, after in pairwise(known))
    assert sum(value or 0.0 for value in kept) == pytest.approx(risen, abs=1e-3)


def test_memory_is_constant_in_the_length_of_a_run() -> None:
    stretches = Stretches()
    for count in range(20_000):
        stretches.add(0.25, {"": Reading(counters={"count": float(count)}, levels={"level": 1.0})})
    lengths_s = stretches.lengths_s
    assert MOST / 2 - 1 <= len(lengths_s) < MOST
    assert max(lengths_s[:-1]) <= 2 * min(lengths_s[:-1])
    assert sum(lengths_s) == pytest.approx(5000)
