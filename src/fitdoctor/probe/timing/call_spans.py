"""When the calls of a fit ran, by the clock that all processes share: what was seen from outside is put beside them."""

from __future__ import annotations

from collections.abc import Callable

from fitdoctor.probe.support.originals import time
from fitdoctor.recording.model import Fit
from fitdoctor.recording.model.system import Span

MOST = 64
"""Kept of one place: of more, neighbours become one, with what lay between them."""


def opened(record: Fit, clock: Callable[[], float] = time.monotonic) -> Span:
    """A call begins; whoever called this sets `ended_s` when it ends."""
    spans = record.spans
    if len(spans) >= MOST and all(span.ended_s is not None for span in spans):
        pairs = zip(spans[::2], spans[1::2], strict=True)
        spans[:] = [Span(began_s=first.began_s, ended_s=second.ended_s) for first, second in pairs]
    span = Span(began_s=clock())
    if len(spans) < MOST:
        spans.append(span)
    return span
