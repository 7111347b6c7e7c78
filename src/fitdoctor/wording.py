"""The words of messages and reports: durations, counts, shares, sizes, and what each safety promises."""

from __future__ import annotations

MINUTE_S = 60
HOUR_S = 3600
DAY_S = 86400

# What a remedy of each safety does to the numbers of the training.
SAFETY_WORDS = {"exact": "same numbers", "numerics": "other rounding", "semantics": "another training"}


def duration(seconds: float) -> str:
    """Formats a duration, with two units at most.

    Example:
        >>> duration(0.00087), duration(0.0052), duration(0.85), duration(2480)
        ('870 µs', '5.2 ms', '850 ms', '41 min 20 s')
    """
    if seconds < 0:
        return f"-{duration(-seconds)}"
    if seconds < 59.5:
        return _one_unit(seconds)
    if seconds < HOUR_S - 0.5:
        return _two_units(seconds, MINUTE_S, "min", 1, "s")
    if seconds < DAY_S - MINUTE_S / 2:
        return _two_units(seconds, HOUR_S, "h", MINUTE_S, "min")
    return _two_units(seconds, DAY_S, "d", HOUR_S, "h")


def percent(share: float) -> str:
    """Formats a share in whole percent, and "under 1 %" where that would read as nothing."""
    return "under 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def number(count: float) -> str:
    """Formats a count with separators: 12,500."""
    return f"{count:,.0f}"


def plural(count: int, one: str, many: str = "") -> str:
    """Formats a count with its noun: "1 remedy", "12,500 steps"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count_bytes: float) -> str:
    """Formats a number of bytes.

    Example:
        >>> size(2_400_000)
        '2.4 MB'
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count_bytes >= factor:
            digits = 1 if count_bytes < 10 * factor else 0
            return f"{count_bytes / factor:.{digits}f} {unit}"
    return plural(int(count_bytes), "byte")


def _one_unit(seconds: float) -> str:
    for least_s, factor, unit in ((0.9995, 1, "s"), (0.0009995, 1e3, "ms")):
        if seconds >= least_s:
            digits = 1 if seconds * factor < 9.95 else 0
            return f"{seconds * factor:.{digits}f} {unit}"
    return f"{seconds * 1e6:.0f} µs" if seconds else "0 s"


def _two_units(seconds: float, size_s: int, name: str, small_s: int, small_name: str) -> str:
    whole, rest = divmod(round(seconds / small_s), size_s // small_s)
    return f"{whole} {name} {rest} {small_name}" if rest else f"{whole} {name}"
