"""Gives a replacement of a function the same signature, which configuration tools read before they call it.

`functools.wraps` is enough for `inspect.signature`, which follows it to the original. `inspect.getfullargspec`, which
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
    """Gives a wrapper the name, the documentation, the annotations and the signature of the original.

    An original that is a wrapper itself, as most of Keras' public methods are, has two signatures: its own and that of
    the function that it wraps. Its replacement must therefore have the same parameters: `*args, **kwargs`.

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
    # A wrapper with only `*args` and `**kwargs` uses no defaults, so it can show those of the original.
    if not wrapper.__code__.co_argcount and not wrapper.__code__.co_kwonlyargcount:
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
