"""Turns what a user's objects may hold into what JSON can say. Runs in the user's process too: standard library only."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any

LARGEST_INTEGER = 2**63 - 1
"""What every JSON reader takes as an integer; the attributes of a user's callback can be larger, a seed for instance."""

LONGEST_MESSAGE = 10_000
"""Characters of an exception's message that are kept: TensorFlow says what went wrong at the end of pages."""


def plain(value: Any) -> Any:
    """Describes `value` as well as JSON can, rather than losing a recording over one attribute.

    Example:
        >>> plain({"best": float("inf"), 3: (1, 2)})
        {'best': None, '3': [1, 2]}
    """
    match value:
        case bool() | None:
            return value
        case str():
            return value.encode("utf-8", "backslashreplace").decode()  # file names that are not UTF-8 carry lone surrogates
        case Integral():  # NumPy's integers and floats are numbers like Python's
            number = int(value)
            return number if -LARGEST_INTEGER <= number <= LARGEST_INTEGER else str(number)
        case Real():
            return float(value) if math.isfinite(value) else None
        case dict():
            return {plain(str(key)): plain(item) for key, item in value.items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in value]
        case _:
            return plain(_shown(value))


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a user's object whose repr() fails must not cost the recording
        return f"<{type(value).__name__}>"
