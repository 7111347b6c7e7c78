"""Reads and sets attributes without running code of the script.

A script may define `__getattr__`, `__setattr__`, `__dict__` or a metaclass. None of them is called here.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any

# The value of a missing attribute.
NOTHING: Any = object()

_names_of = type.__dict__["__dict__"].__get__
_bases_of = type.__dict__["__mro__"].__get__


def state(thing: Any) -> dict[str, Any]:
    """The attributes of an instance itself; none if only code of the script can give them."""
    for base in bases(type(thing)):
        own = names(base).get("__dict__", NOTHING)
        if isinstance(own, property) or isinstance(names(type(own)).get("__get__"), FunctionType):
            return {}
        if own is not NOTHING:
            break
    try:
        found = object.__getattribute__(thing, "__dict__")
    except AttributeError:
        return {}
    return found if isinstance(found, dict) else {}


def names(cls: type) -> Mapping[str, Any]:
    """The attributes of a class itself, like `vars`."""
    found: Mapping[str, Any] = _names_of(cls)
    return found


def bases(cls: type) -> tuple[type, ...]:
    """A class and its base classes, in the order of lookup."""
    found: tuple[type, ...] = _bases_of(cls)
    return found


def on_class(cls: type, name: str) -> Any:
    """The attribute of a class or its first base class that has it, unbound; else `NOTHING`."""
    return next((names(base)[name] for base in bases(cls) if name in names(base)), NOTHING)


def held(thing: Any, name: str) -> Any:
    """The attribute of an instance or of its class, unbound; else `NOTHING`."""
    return state(thing).get(name, on_class(type(thing), name))


def put(thing: Any, name: str, value: Any) -> None:
    """Sets an attribute of an instance.

    Raises:
        AttributeError, TypeError: It can't be set, or only by code of the script.
    """
    _refuse_descriptor(thing, name)
    object.__setattr__(thing, name, value)


def remove(thing: Any, name: str) -> None:
    """Deletes an attribute of an instance.

    Raises:
        AttributeError, TypeError: It can't be deleted, or only by code of the script.
    """
    _refuse_descriptor(thing, name)
    object.__delattr__(thing, name)


def bound(thing: Any, name: str) -> Any:
    """The value of `thing.name`.

    Raises:
        AttributeError: It is missing, or only code of the script gives it.
    """
    _refuse_descriptor(thing, name)
    own, found = state(thing), on_class(type(thing), name)
    if name in own:
        return own[name]
    if found is NOTHING or isinstance(on_class(type(found), "__get__"), FunctionType):
        raise AttributeError(name)
    return object.__getattribute__(thing, name)


def _refuse_descriptor(thing: Any, name: str) -> None:
    """Refuses a property of the class: it hides the attribute of the instance."""
    found = on_class(type(thing), name)
    if found is not NOTHING and on_class(type(found), "__set__") is not NOTHING:
        raise AttributeError(f"{name} is given by the class")
