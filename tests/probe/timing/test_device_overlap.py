from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fitdoctor.probe.timing.device_overlap import SLOTS, Overlap


def test_nothing_is_known_before_a_step_is_done() -> None:
    overlap = Overlap()
    overlap.drawing(0, 1.0)
    overlap.sent(0, 2.0)
    assert not overlap.observed
    assert overlap.done_at(0) is None
    assert overlap.idle_s(1, 2.0, 9.0) == 0.0
    assert list(overlap.computed(1)) == []


def test_a_slot_of_an_earlier_call_is_not_used_for_a_later_one() -> None:
    overlap = Overlap()
    overlap.drawing(0, 1.0)
    overlap.done(0, 2.0)
    overlap.drawing(SLOTS, 3.0)
    assert overlap.done_at(SLOTS) is None
    overlap.epoch_begins()
    overlap.drawing(0, 4.0)
    assert overlap.done_at(0) is None


def test_the_device_is_idle_before_the_first_call_of_an_epoch() -> None:
    assert Overlap().idle_s(0, 1.0, 4.0) == 3.0


@given(
    st.lists(st.tuples(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10)), max_size=3 * SLOTS),
    st.integers(1, 2 * SLOTS),
)
def test_no_second_of_the_device_is_counted_twice(steps: list[tuple[float, float, float]], every: int) -> None:
    overlap, now_s, done_s, counted_s = Overlap(), 1.0, 0.0, 0.0
    for number, (draw_s, send_s, compute_s) in enumerate(steps):
        overlap.drawing(number, now_s)
        assert 0 <= overlap.idle_s(number, now_s, now_s + draw_s) <= draw_s + 1e-9
        now_s += draw_s + send_s
        overlap.sent(number, now_s)
        done_s = max(now_s, done_s) + compute_s
        overlap.done(number, done_s)
        if number % every == 0:
            counted_s += sum(seconds for _, seconds in overlap.computed(number + 1))
    counted_s += sum(seconds for _, seconds in overlap.computed(len(steps)))
    assert 0 <= counted_s <= max(0.0, done_s) + 1e-6
