"""Turns the values of a user's objects into values of JSON. Standard library only, since the probe imports it."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any

# The largest integer that every JSON reader accepts. A seed in a callback can be larger.
LARGEST_INTEGER = 2**63 - 1

# Added to the name of a record to name a symbolic link. The link exists while the latest record could not be written,
# and points to the reason. A link needs no descriptor and no file size, of which a script may have used up all.
UNWRITTEN = ".unwritten"

# Characters of an exception's message that are kept: TensorFlow names the problem at the end of pages.
LONGEST_MESSAGE = 10_000


def plain(value: Any) -> Any:
    """Describes `value` as well as JSON can. No attribute makes a recording fail.

    Example:
        >>> plain({"best": float("inf"), 3: (1, 2)})
        {'best': None, '3': [1, 2]}
    """
    match value:
        case bool() | None:
            return value
        case str():
            # File names that are not UTF-8 hold lone surrogates.
            return value.encode("utf-8", "backslashreplace").decode()
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


def described(value: Any) -> Any:
    """Describes dataclasses and their values, fast, because a training may wait for it.

    Most of a recording are lists of floats. They are copied as a whole, some hundred times as fast as one by one.

    Example:
        >>> described(Duration(count=1, first_s=float("nan")))
        {'count': 1, 'total_s': 0.0, 'first_s': None, 'samples_s': []}
    """
    kind = type(value)
    if kind is list:
        copy = value[:]  # another thread may add to it
        if set(map(type, copy)) == FLOATS and math.isfinite(sum(copy)):
            return copy
        return [described(item) for item in copy]
    if kind is tuple:
        return [described(item) for item in value]
    if kind is dict:
        return {plain(str(key)): described(item) for key, item in value.items()}
    names = _names.get(kind)
    if names is None:
        names = _names[kind] = tuple(field.name for field in fields(kind)) if is_dataclass(kind) else ()
    return {name: described(getattr(value, name)) for name in names} if names else plain(value)


FLOATS = {float}
# The names of the fields of each class. Empty for a class that is no dataclass.
_names: dict[type, tuple[str, ...]] = {}


def _shown(value: object) -> str:
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a user's object whose repr() fails must not cost the recording
        return f"<{type(value).__name__}>"
