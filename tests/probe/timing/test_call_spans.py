from __future__ import annotations

from fitdoctor.probe.timing.call_spans import MOST, opened
from tests import builders as make


def test_when_each_call_ran() -> None:
    record, clock = make.fit(), iter([1.0, 5.0])
    opened(record, lambda: next(clock)).ended_s = 3.0
    opened(record, lambda: next(clock))
    assert [(span.began_s, span.ended_s) for span in record.spans] == [(1.0, 3.0), (5.0, None)]


def test_thousands_of_calls_take_no_more_room() -> None:
    record = make.fit()
    for call in range(5000):
        opened(record, lambda: float(call)).ended_s = call + 0.5  # noqa: B023 - called at once
    assert MOST / 2 <= len(record.spans) <= MOST
    assert (record.spans[0].began_s, record.spans[-1].ended_s) == (0.0, 4999.5)
    ends = [span.ended_s for span in record.spans]
    assert ends == sorted(ends, key=lambda end: end or 0.0)


def test_calls_that_still_run_are_never_taken_together() -> None:
    record = make.fit()
    outer = opened(record)
    for _ in range(2 * MOST):
        opened(record).ended_s = 0.0
    assert record.spans[0] is outer
    assert len(record.spans) <= MOST
