"""Changes that need a process of their own: which they are, the environment that they ask for, and how it is held in that process.

What TensorFlow reads when it starts can't be changed later. So these changes are made where a process begins: `environment` gives what
it is started with, and `hold` sees to it that the script does not put its own value back.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import Any

from fitdoctor.changes.allowed import problem
from fitdoctor.changes.model import SetArgument, SetEnvironment
from fitdoctor.probe.support.patches import Patches

INTRA_OP = "tf.config.threading.set_intra_op_parallelism_threads"
INTER_OP = "tf.config.threading.set_inter_op_parallelism_threads"
START_CALLS = frozenset({INTRA_OP, INTER_OP})
"""Calls that only count before TensorFlow has started."""


def of_process(changes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of some changes, as data, those that must be made where a process begins.

    Example:
        >>> of_process(treatment.changes)
        [{'kind': 'set-environment', 'name': 'TF_NUM_INTRAOP_THREADS', 'value': None, 'place': …}]
    """
    return [change for change in changes if change["kind"] == SetEnvironment.kind or _is_start_call(change)]


def _is_start_call(change: Mapping[str, Any]) -> bool:
    return change["kind"] == SetArgument.kind and change.get("call") in START_CALLS


def environment(changes: Iterable[dict[str, Any]], before: Mapping[str, str]) -> dict[str, str]:
    """The environment to start a process with, made from the one `before`.

    Example:
        >>> subprocess.Popen(command, env=environment(prescription_changes, os.environ))
    """
    made = dict(before)
    for name, value in _variables(changes).items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = value
    return made


def hold(changes: Iterable[dict[str, Any]]) -> Patches:
    """Keeps the variables of this process as the changes ask for them, whatever the script assigns, until the result undoes it."""
    patches, held = Patches(), _variables(changes)
    if not held:
        return patches
    kind: Any = type(os.environ)
    original = kind.__setitem__

    @functools.wraps(original)
    def assign(self: Any, key: Any, value: Any) -> None:
        kept = held.get(key, value) if self is os.environ else value
        original(self, key, value if kept is None else kept)
        if kept is None:
            os.unsetenv(key)  # the script reads back what it wrote; the libraries, which look below Python, find nothing

    patches.put(kind, "__setitem__", assign)
    return patches


def hold_calls(tensorflow: ModuleType, changes: Iterable[dict[str, Any]]) -> Patches:
    """Gives calls such as `tf.config.threading.set_intra_op_parallelism_threads` the value that a change names."""
    patches = Patches()
    for change in filter(_is_start_call, changes):
        patches.put_call(tensorflow, change["call"], functools.partial(_always, value=change["value"]))
    return patches


def _always(original: Any, value: Any) -> Any:
    @functools.wraps(original)
    def wrapper(*arguments: Any, **keywords: Any) -> Any:
        return original(value)

    return wrapper


def _variables(changes: Iterable[Mapping[str, Any]]) -> dict[str, str | None]:
    """The variables that changes set; one that none may set is left as it is, whoever asks for it."""
    ours = [change for change in changes if change["kind"] == SetEnvironment.kind]
    return {change["name"]: change["value"] for change in ours if not problem(SetEnvironment.kind, dict(change))}
