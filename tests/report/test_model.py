"""What a prompt shows of parts of a report."""

from __future__ import annotations

from tests.support.report_samples import SLOW


def test_parts_of_a_report_are_a_line_each() -> None:
    assert repr(SLOW.causes[0]) == "<python-in-pipeline at train.py:42: 1686 s, 68% of the training, measured>"
    shown = [repr(SLOW.prescription), *(repr(remedy) for cause in SLOW.causes for remedy in cause.remedies)]
    assert all(text.count("\n") == 0 and text.startswith("<") and len(text) < 200 for text in shown)
    assert "× as fast" in repr(SLOW.prescription)
    assert "python-in-pipeline" in repr(SLOW.causes)
    assert repr(SLOW) == str(SLOW)
