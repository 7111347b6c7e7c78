"""Figures in the sentences of evidence and verdicts."""

from __future__ import annotations


def duration(seconds: float) -> str:
    """Seconds as a person says them.

    Example:
        >>> duration(0.00087), duration(75), duration(4210), duration(120)
        ('0.87 ms', '1 min 15 s', '1 h 10 min', '2 min')
    """
    if seconds < 0.01:
        return f"{seconds * 1e3:.2f} ms"
    if seconds < 1:
        return f"{seconds * 1e3:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    larger, smaller, count, rest = (
        ("min", "s", *divmod(whole, 60)) if whole < 3600 else ("h", "min", *divmod(whole // 60, 60))
    )
    return f"{count} {larger} {rest} {smaller}" if rest else f"{count} {larger}"


def percent(share: float) -> str:
    """A share as whole percent, with "under 1 %" for what would read as nothing."""
    return "under 1 %" if 0 < share < 0.01 else f"{share * 100:.0f} %"


def number(count: float) -> str:
    """A count with separators: 12,500."""
    return f"{count:,.0f}"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: "1 remedy", "3 remedies"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def size(count_bytes: float) -> str:
    """Bytes as a person says them.

    Example:
        >>> size(2_400_000)
        '2.4 MB'
    """
    for factor, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count_bytes >= factor:
            return (
                f"{count_bytes / factor:.1f} {unit}"
                if count_bytes < 10 * factor
                else f"{count_bytes / factor:.0f} {unit}"
            )
    return plural(int(count_bytes), "byte")
