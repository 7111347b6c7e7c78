"""Reads and sets attributes without running code of the script's:

no `__getattr__`, `__setattr__`, `__dict__` or metaclass of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType
from typing import Any

NOTHING: Any = object()
"""Stands for an attribute that is not there."""

_names_of = type.__dict__["__dict__"].__get__
_bases_of = type.__dict__["__mro__"].__get__


def state(thing: Any) -> dict[str, Any]:
    """What an instance holds itself; nothing where that can't be read so."""
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
    """What a class holds itself, as `vars` gives it."""
    found: Mapping[str, Any] = _names_of(cls)
    return found


def bases(cls: type) -> tuple[type, ...]:
    """A class and those that it is derived from."""
    found: tuple[type, ...] = _bases_of(cls)
    return found


def on_class(cls: type, name: str) -> Any:
    """What a class or the first of those above it holds by a name, unbound; else `NOTHING`."""
    return next((names(base)[name] for base in bases(cls) if name in names(base)), NOTHING)


def held(thing: Any, name: str) -> Any:
    """What an instance holds by a name, or else its class, unbound; else `NOTHING`."""
    return state(thing).get(name, on_class(type(thing), name))


def put(thing: Any, name: str, value: Any) -> None:
    """Sets an attribute of an instance.

    Raises:
        AttributeError, TypeError: It can't be set, or only by code of the script's.
    """
    _refuse_descriptor(thing, name)
    object.__setattr__(thing, name, value)


def remove(thing: Any, name: str) -> None:
    """Deletes an attribute of an instance.

    Raises:
        AttributeError, TypeError: It can't be deleted, or only by code of the script's.
    """
    _refuse_descriptor(thing, name)
    object.__delattr__(thing, name)


def bound(thing: Any, name: str) -> Any:
    """What `thing.name` gives, as far as no code of the script's gives it.

    Raises:
        AttributeError: It is not there, or only such code gives it.
    """
    _refuse_descriptor(thing, name)
    own, found = state(thing), on_class(type(thing), name)
    if name in own:
        return own[name]
    if found is NOTHING or isinstance(on_class(type(found), "__get__"), FunctionType):
        raise AttributeError(name)
    return object.__getattribute__(thing, name)


def _refuse_descriptor(thing: Any, name: str) -> None:
    """A property of the class' own stands before what the instance holds."""
    found = on_class(type(thing), name)
    if found is not NOTHING and on_class(type(found), "__set__") is not NOTHING:
        raise AttributeError(f"{name} is given by the class")
