"""Records when the calls of a fit ran, on the clock that all processes share.

The sampler outside this process uses the same clock, so its figures can be matched with the calls.
"""

from __future__ import annotations

from collections.abc import Callable

from fitdoctor.probe.support.originals import time
from fitdoctor.recording.model import Fit
from fitdoctor.recording.system import Span

# Most spans per call site. Beyond that, neighbouring spans are merged, with the time between them.
MOST_SPANS = 64


def opened(record: Fit, clock: Callable[[], float] = time.monotonic) -> Span:
    """Opens the span of a call that begins. The caller sets `ended_s` when it ends."""
    spans = record.spans
    if len(spans) >= MOST_SPANS and all(span.ended_s is not None for span in spans):
        pairs = zip(spans[::2], spans[1::2], strict=True)
        spans[:] = [Span(began_s=first.began_s, ended_s=second.ended_s) for first, second in pairs]
    span = Span(began_s=clock())
    if len(spans) < MOST_SPANS:
        spans.append(span)
    return span
