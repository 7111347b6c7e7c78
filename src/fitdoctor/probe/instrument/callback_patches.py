"""Replaces a callback's hooks for a while, without a trace on the callback.

A callback may be copied, pickled or printed while it is called. So its class gets the replacement, which checks whose
hook is looked up. Only a hook that the instance itself holds, as a `LambdaCallback` does, is replaced there.
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


class _ClassHook:
    """Replaces a hook in a class: for the callbacks in `table` it gives theirs, and for all others the hook itself.

    The table's keys are the callbacks' ids. Its values are bound methods with the hook's name and signature: somebody
    may inspect it, or hold a weak reference to it.
    """

    __slots__ = ("original", "patches", "table")

    def __init__(self, original: FunctionType) -> None:
        self.original, self.table, self.patches = original, dict[int, Hook](), Patches()

    def __get__(self, callback: Any, cls: type | None = None) -> Any:
        return self.table.get(id(callback)) or self.original.__get__(callback, cls)

    def __reduce__(self) -> Any:
        """Copies and pickles as the hook itself: whoever loads that need not have fitdoctor."""
        return copy.copy, (self.original,)


def replace(callback: Any, name: str, around: Around) -> Callable[[], None]:
    """Replaces a callback's hook, until the result is called.

    The result does nothing where somebody else has replaced the hook meanwhile.

    Args:
        callback: Whose hook.
        name: Of the hook.
        around: Makes the replacement of a function. It is called with that one's arguments, the callback among them
            where the class has the function.

    Raises:
        AttributeError, TypeError: The callback can't be changed.
    """
    cls, found = type(callback), static_attributes.on_class(type(callback), name)
    if name in static_attributes.state(callback) or not isinstance(found, FunctionType | _ClassHook):
        return _on_instance(callback, name, around)
    own = static_attributes.names(cls).get(name)
    if isinstance(own, _ClassHook):
        replaced = own
    else:
        replaced = _ClassHook(found.original if isinstance(found, _ClassHook) else found)
        replaced.patches.put(cls, name, replaced)
    replaced.table[id(callback)] = MethodType(_resembling(around(replaced.original), replaced.original), callback)

    def restore() -> None:
        replaced.table.pop(id(callback), None)
        if not replaced.table:
            replaced.patches.undo()

    return restore


def is_replaced(callback: Any, name: str) -> bool:
    """Whether this hook is replaced now."""
    replaced = static_attributes.names(type(callback)).get(name)
    return isinstance(replaced, _ClassHook) and id(callback) in replaced.table


def hook_of(callback: Any, name: str) -> Any:
    """The hook that a callback has by a name, unbound and as the script made it; None if it has none."""
    found = static_attributes.held(callback, name)
    return found.original if isinstance(found, _ClassHook) else None if found is static_attributes.NOTHING else found


def _resembling(replacement: Hook, function: Hook) -> Hook:
    resemble(replacement, function)
    return replacement


def _on_instance(callback: Any, name: str, around: Around) -> Callable[[], None]:
    before, function = (
        static_attributes.state(callback).get(name, static_attributes.NOTHING),
        static_attributes.bound(callback, name),
    )
    replacement = around(function)
    if isinstance(function, FunctionType | MethodType):
        _resembling(replacement, function)
    static_attributes.put(callback, name, replacement)

    def restore() -> None:
        if static_attributes.state(callback).get(name) is not replacement:
            return
        if before is static_attributes.NOTHING:
            static_attributes.remove(callback, name)
        else:
            static_attributes.put(callback, name, before)

    return restore
