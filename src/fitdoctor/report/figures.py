"""Figures as people read them: durations, ratios, shares. A figure is never broken across two lines."""

from __future__ import annotations

import re

from fitdoctor.report.model import Interval
from fitdoctor.wording import HOUR_S, MINUTE_S

# A space that must not become a line break. The canvas prints it as a space. (rich breaks lines at U+00A0.)
GLUE = "\ue000"

_UNIT = r"(?:µs|ms|s|min|h|d|[kMGT]i?B)\b"
_BEFORE_UNIT = re.compile(rf"(?<=\d) (?=%|×|{_UNIT})")
_INSIDE_DURATION = re.compile(rf"(\d{GLUE}(?:d|h|min)) (?=\d)")
_AROUND_TIMES = re.compile(r"(?<=×) (?=[\d\[])")
_INTERVAL = re.compile(r"\[[^\s\]]+, [^\s\]]+\]")


def bind(text: str) -> str:
    """Glues the parts of each figure in `text`: "41 min 20 s", "71 %", "2.9× [2.7, 3.1]"."""
    text = _BEFORE_UNIT.sub(GLUE, text)
    text = _INSIDE_DURATION.sub(rf"\1{GLUE}", text)
    text = _AROUND_TIMES.sub(GLUE, text)
    return _INTERVAL.sub(lambda found: found.group().replace(" ", GLUE), text)


def duration_range(low: float, high: float) -> str:
    """Formats an interval of durations in one unit: that of its upper end.

    Example:
        >>> duration_range(1620, 1740)
        '27–29 min'
    """
    units = ((2 * HOUR_S, HOUR_S, "h"), (2 * MINUTE_S, MINUTE_S, "min"), (1, 1, "s"))
    size, unit = next(((size, unit) for least_s, size, unit in units if high >= least_s), (0.001, "ms"))
    ends = [f"{value / size:.{0 if high >= 10 * size else 1}f}" for value in (low, high)]
    return f"{ends[0]} {unit}" if ends[0] == ends[1] else f"{ends[0]}–{ends[1]} {unit}"


def ratio(value: float, *, decimals: int | None = None) -> str:
    """Formats a ratio: "2.9×". Near 1, where digits decide, it has more of them."""
    return f"{value:.{_decimals(value) if decimals is None else decimals}f}×"


def speedup(interval: Interval) -> str:
    """Formats a speed-up with its interval: "2.9× [2.7, 3.1]"."""
    decimals = _decimals(interval.mid)
    return f"{ratio(interval.mid)} [{interval.low:.{decimals}f}, {interval.high:.{decimals}f}]"


def ratio_range(interval: Interval) -> str:
    """Formats the interval of a speed-up in words: "2.7× to 3.1×"."""
    decimals = _decimals(interval.mid)
    return f"{ratio(interval.low, decimals=decimals)} to {ratio(interval.high, decimals=decimals)}"


def share(part: float) -> str:
    """Formats a share of the whole: "71 %", or "<1 %" for a small share that is not zero."""
    if 0 < part < 0.01:
        return "<1 %"
    return f"{round(part * 100)} %"


def deviation(value: float) -> str:
    """Formats a small difference from 1 in percent: "1.3 %"."""
    return f"{abs(value - 1) * 100:.1f} %"


def _decimals(value: float) -> int:
    return 2 if value < 2 else 1 if value < 20 else 0
