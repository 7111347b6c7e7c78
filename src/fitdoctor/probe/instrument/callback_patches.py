"""Puts something else in the place of a callback's hooks for a while, without a trace on the callback.

A callback may be copied, pickled or shown while it is called. So what stands in for its hooks stands on its class, and
asks whose hook is looked up: only a hook that the instance itself holds, as a `LambdaCallback` does, is replaced there.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from fitdoctor.probe.support import static_attributes
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.support.wrapping import resemble

Hook = Callable[..., Any]
Around = Callable[[Hook], Hook]


class _OnClass:
    """What a class has in place of a hook: for the callbacks in `table` theirs, by their ids, and for all others the
    hook itself.

    Theirs are bound methods that say of themselves what the hook says: somebody may ask for its signature, or keep it
    by a weak reference.
    """

    __slots__ = ("original", "patches", "table")

    def __init__(self, original: FunctionType) -> None:
        self.original, self.table, self.patches = original, dict[int, Hook](), Patches()

    def __get__(self, callback: Any, cls: type | None = None) -> Any:
        return self.table.get(id(callback)) or self.original.__get__(callback, cls)

    def __reduce__(self) -> Any:
        """A copy of the class has the hook: what gives it back must be there without us."""
        return copy.copy, (self.original,)


def replace(callback: Any, name: str, around: Around) -> Callable[[], None]:
    """Has `callback.name` be something else, until the result is called, unless somebody put another one in its place
    meanwhile.

    Args:
        callback: Whose hook.
        name: Of the hook.
        around: Gives what stands in for the function that it is given, and is called with that one's arguments: the
            callback among them where the class has the function.

    Raises:
        AttributeError, TypeError: The callback does not let itself be changed.
    """
    cls, found = type(callback), static_attributes.on_class(type(callback), name)
    if name in static_attributes.state(callback) or not isinstance(found, FunctionType | _OnClass):
        return _on_instance(callback, name, around)
    own = static_attributes.names(cls).get(name)
    if isinstance(own, _OnClass):
        standing = own
    else:
        standing = _OnClass(found.original if isinstance(found, _OnClass) else found)
        standing.patches.put(cls, name, standing)
    standing.table[id(callback)] = MethodType(_like(around(standing.original), standing.original), callback)

    def restore() -> None:
        standing.table.pop(id(callback), None)
        if not standing.table:
            standing.patches.undo()

    return restore


def is_replaced(callback: Any, name: str) -> bool:
    """Whether `replace` was called for this hook and not undone."""
    standing = static_attributes.names(type(callback)).get(name)
    return isinstance(standing, _OnClass) and id(callback) in standing.table


def hook_of(callback: Any, name: str) -> Any:
    """The hook that a callback has by a name, unbound and as the script made it; None where it has none."""
    found = static_attributes.held(callback, name)
    return found.original if isinstance(found, _OnClass) else None if found is static_attributes.NOTHING else found


def _like(replacement: Hook, function: Hook) -> Hook:
    resemble(replacement, function)
    return replacement


def _on_instance(callback: Any, name: str, around: Around) -> Callable[[], None]:
    before, function = (
        static_attributes.state(callback).get(name, static_attributes.NOTHING),
        static_attributes.bound(callback, name),
    )
    replacement = around(function)
    if isinstance(function, FunctionType | MethodType):
        _like(replacement, function)
    static_attributes.put(callback, name, replacement)

    def restore() -> None:
        if static_attributes.state(callback).get(name) is not replacement:
            return
        if before is static_attributes.NOTHING:
            static_attributes.remove(callback, name)
        else:
            static_attributes.put(callback, name, before)

    return restore
