from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.probe.timing.time_ledger import Ledger
from tests.support.clocks import FakeClock

EVENTS = st.lists(
    st.tuples(st.sampled_from(["push", "pop", "rebase", "read"]), st.sampled_from("abc"), st.integers(0, 1000)),
    max_size=60,
)


def test_time_belongs_to_the_part_on_top() -> None:
    clock = FakeClock(10)
    ledger = Ledger("start", started_s=7, clock=clock)
    with ledger.within("fit"):
        clock.pass_(2)
        with ledger.within("loops"):
            clock.pass_(5)
        clock.pass_(1)
    clock.pass_(4)
    assert ledger.read() == {"start": 7, "fit": 3, "loops": 5}


def test_an_error_ends_the_part_that_it_leaves() -> None:
    clock = FakeClock()
    ledger = Ledger("start", started_s=0, clock=clock)

    def stop() -> None:
        clock.pass_(2)
        raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"), ledger.within("fit"):
        stop()
    clock.pass_(1)
    assert ledger.read() == {"fit": 2, "start": 1}


def test_the_lowest_part_is_renamed_while_others_are_on_top() -> None:
    clock = FakeClock()
    ledger = Ledger("start", started_s=0, clock=clock)
    clock.pass_(1)
    ledger.push("imports")
    clock.pass_(2)
    ledger.rebase("script")
    clock.pass_(3)
    ledger.pop()
    clock.pass_(4)
    assert ledger.read() == {"start": 1, "imports": 5, "script": 4}


def test_the_parts_that_were_read_are_a_copy() -> None:
    clock = FakeClock()
    ledger = Ledger("start", started_s=0, clock=clock)
    ledger.read()["start"] = 100.0
    clock.pass_(1)
    assert ledger.read() == {"start": 1}


@given(EVENTS)
def test_the_parts_sum_to_the_wall_time_exactly(events: list[tuple[str, str, int]]) -> None:
    clock = FakeClock(0.375)
    began = clock()
    ledger = Ledger("start", started_s=began, clock=clock)
    depth = 0
    for event, part, ticks in events:
        clock.pass_(ticks / 1024)  # such numbers add up without rounding
        if event == "push":
            ledger.push(part)
            depth += 1
        elif event == "pop" and depth:
            ledger.pop()
            depth -= 1
        elif event == "rebase":
            ledger.rebase(part)
        else:
            assert sum(ledger.read().values()) == clock() - began
    assert sum(ledger.read().values()) == clock() - began
