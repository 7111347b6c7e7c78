"""What changes may name. They come out of recordings, so that none may lead to a file, to code, or to another program.

Standard library only, since the probe imports it.
"""

from __future__ import annotations

import re
from typing import Any

VARIABLES = frozenset({"TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"})
"""Variables of the environment that a change may set:

numbers of threads. What decides which code is loaded is never among them.
"""

INSERTED = frozenset({"batch", "cache", "prefetch", "rebatch", "repeat", "shuffle", "skip", "unbatch"})
"""Stages that may be put into a pipeline."""

_HOOK = re.compile(r"on_(epoch|(train|test|predict)(_batch)?|batch)_(begin|end)")
_ARGUMENT = re.compile(r"[a-z][a-z0-9_]{0,40}")
_WORD = re.compile(r"[a-z][a-z0-9_]{0,20}")
"""What a text may be as a setting, such as "epoch": no path."""
_NUMBER = re.compile(r"[0-9]{1,5}")
"""Of threads."""
_NAME = re.compile(r"[\w .:/-]{1,200}")
"""Of a metric."""


def problem(kind: str, fields: dict[str, Any]) -> str:
    """Says what a change of this kind may not name; an empty string where all is allowed.

    Example:
        >>> problem("set-environment", {"name": "LD_PRELOAD", "value": "x.so"})
        "the variable 'LD_PRELOAD' is none that a change may set"
    """
    check = _CHECKS.get(kind)
    return check(fields) if check is not None else ""


def _environment(fields: dict[str, Any]) -> str:
    name, value = fields.get("name"), fields.get("value")
    if name not in VARIABLES:
        return f"the variable {name!r} is none that a change may set"
    return (
        ""
        if value is None or isinstance(value, str) and bool(_NUMBER.fullmatch(value))
        else f"{value!r} is no number of threads"
    )


def _inserted(fields: dict[str, Any]) -> str:
    if fields.get("call") not in INSERTED:
        return f"the stage {fields.get('call')!r} is none that a change may put in"
    arguments = fields.get("arguments", {})
    numbers = isinstance(arguments, dict) and all(isinstance(value, (int, float)) for value in arguments.values())
    return "" if numbers else "a stage may only be given numbers"


def _throttled(fields: dict[str, Any]) -> str:
    hook = fields.get("hook")
    return "" if isinstance(hook, str) and _HOOK.fullmatch(hook) else f"{hook!r} is no hook of a callback"


def _argument(fields: dict[str, Any]) -> str:
    argument, value = fields.get("argument"), fields.get("value")
    if not (isinstance(argument, str) and _ARGUMENT.fullmatch(argument)):
        return f"{argument!r} is no argument"
    return "" if _is_setting(value) else f"{argument} can't be set to {value!r}"


def _is_setting(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(isinstance(item, str) and _NAME.fullmatch(item) for item in value)
    return (
        value is None
        or isinstance(value, (bool, int, float))
        or isinstance(value, str)
        and bool(_WORD.fullmatch(value))
    )


_CHECKS = {
    "set-environment": _environment,
    "insert-call": _inserted,
    "throttle-hook": _throttled,
    "set-argument": _argument,
}
"""The other kinds name methods and switches of a list of their own, where they are applied."""
