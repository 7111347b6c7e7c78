"""Arguments of a call by their names."""

from __future__ import annotations

import inspect
from typing import Any


def bind(original: Any, model: Any, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> dict[str, Any]:
    """Names the arguments of a call and fills in the defaults.

    Raises:
        TypeError: The function does not take these arguments.
    """
    bound = inspect.signature(original).bind(model, *arguments, **keywords)
    bound.apply_defaults()
    named = dict(bound.arguments)
    named.pop("self", None)
    named.update(named.pop("kwargs", {}))
    return named
