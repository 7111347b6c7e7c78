from __future__ import annotations

from fitdoctor.probe.timing.call_spans import MOST_SPANS, opened
from tests.support import builders as make


def test_each_call_has_a_span() -> None:
    record, clock = make.fit(), iter([1.0, 5.0])
    opened(record, lambda: next(clock)).ended_s = 3.0
    opened(record, lambda: next(clock))
    assert [(span.began_s, span.ended_s) for span in record.spans] == [(1.0, 3.0), (5.0, None)]


def test_the_spans_of_thousands_of_calls_have_a_constant_size() -> None:
    record = make.fit()
    for call in range(5000):
        opened(record, lambda: float(call)).ended_s = call + 0.5  # noqa: B023 - called at once
    assert MOST_SPANS / 2 <= len(record.spans) <= MOST_SPANS
    assert (record.spans[0].began_s, record.spans[-1].ended_s) == (0.0, 4999.5)
    ends = [span.ended_s for span in record.spans]
    assert ends == sorted(ends, key=lambda end: end or 0.0)


def test_spans_of_calls_that_still_run_are_never_merged() -> None:
    record = make.fit()
    outer = opened(record)
    for _ in range(2 * MOST_SPANS):
        opened(record).ended_s = 0.0
    assert record.spans[0] is outer
    assert len(record.spans) <= MOST_SPANS
