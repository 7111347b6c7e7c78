"""Holds environment variables and settings of changes: the script can't set its own values any more."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from fitdoctor.changes.environment import is_start_call, variables
from fitdoctor.probe.support.patches import Patches


def hold_variables(changes: Iterable[dict[str, Any]]) -> Patches:
    """Keeps variables of this process at the values of the changes, until the result undoes it."""
    patches, held = Patches(), variables(changes)
    if not held:
        return patches
    kind: Any = type(os.environ)
    original = kind.__setitem__

    @functools.wraps(original)
    def assign(self: Any, key: Any, value: Any) -> None:
        kept = held.get(key, value) if self is os.environ else value
        original(self, key, value if kept is None else kept)
        if kept is None:  # the script still reads its own value, but native libraries find none
            os.unsetenv(key)

    patches.put(kind, "__setitem__", assign)
    return patches


def hold_calls(tensorflow: ModuleType, changes: Iterable[dict[str, Any]]) -> Patches:
    """Gives calls such as `tf.config.threading.set_intra_op_parallelism_threads` the value of a change."""
    patches = Patches()
    for change in filter(is_start_call, changes):
        patches.put_call(tensorflow, change["call"], functools.partial(_always, value=change["value"]))
    return patches


def _always(original: Any, value: Any) -> Any:
    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        return original(value)

    return wrapper
