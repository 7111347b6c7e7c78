"""Makes a function that stands in another one's place look like it to whoever asks, as configuration tools do before
they call it.

`functools.wraps` does that for `inspect.signature`, which follows it to the original. `inspect.getfullargspec`, which
many tools still use, does not follow.
"""

from __future__ import annotations

import functools
import inspect
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

_signatures: WeakKeyDictionary[Any, inspect.Signature | None] = WeakKeyDictionary()


def resemble(wrapper: Any, original: Any) -> None:
    """Gives a wrapper the name, the documentation, the annotations and the signature of what it stands for.

    What stands for a function that is a wrapper itself, as most of Keras' public methods are, must be written with its
    parameters: `*args, **kwargs`. Of such a function two signatures are told, its own and that of what it wraps.

    Example:
        >>> def wrapper(*args, **kwargs):
        ...     return original(*args, **kwargs)
        >>> resemble(wrapper, original)
        >>> inspect.getfullargspec(wrapper) == inspect.getfullargspec(original)
        True
    """
    wrapper, original = _function_of(wrapper), _function_of(original)
    if not isinstance(wrapper, FunctionType) or not isinstance(original, FunctionType) or wrapper is original:
        return
    functools.update_wrapper(wrapper, original)
    if (
        not wrapper.__code__.co_argcount and not wrapper.__code__.co_kwonlyargcount
    ):  # it takes whatever comes, and no defaults count
        wrapper.__defaults__, wrapper.__kwdefaults__ = original.__defaults__, original.__kwdefaults__
    if hasattr(original, "__wrapped__") or hasattr(original, "__signature__"):
        return
    if original not in _signatures:
        _signatures[original] = _signature_of(original)
    signature = _signatures[original]
    if signature is not None and signature != inspect.signature(wrapper, follow_wrapped=False):
        wrapper.__signature__ = signature  # type: ignore[attr-defined]


def _function_of(thing: Any) -> Any:
    return thing.__func__ if isinstance(thing, staticmethod | classmethod) else thing


def _signature_of(function: FunctionType) -> inspect.Signature | None:
    try:
        return inspect.signature(function)
    except (TypeError, ValueError):
        return None
