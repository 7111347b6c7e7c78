"""Whether a callback's hooks can be called in a race:

whether all that they do is to look at the logs and steer the training.
"""

from __future__ import annotations

import builtins
import collections
import dis
import types
from collections.abc import Iterator
from typing import Any

from fitdoctor.probe.observe.describe import SHOWN

HOOKS = ("on_train_begin", "on_epoch_begin", "on_epoch_end")
"""What a race calls of a callback."""
SAFE_BUILTINS = frozenset({"abs", "all", "any", "bool", "dict", "enumerate", "float", "format", "getattr", "hasattr", "int", "isinstance",
                           "len", "list", "max", "min", "print", "range", "reversed", "round", "set", "sorted", "str", "sum", "super",
                           "tuple", "type", "zip", "None", "True", "False", "ValueError", "TypeError", "KeyError"})  # fmt: skip
SAFE_MODULES = frozenset({"numpy", "math", "keras", "tensorflow", "operator", "statistics"})
UNSAFE_NAMES = frozenset({"open", "save", "save_weights", "load_weights", "write", "writerow", "dump", "dumps", "savez", "savetxt", "tofile",
                      "predict", "evaluate", "fit", "train_on_batch", "test_on_batch", "predict_on_batch", "compile", "io", "random",
                      "summary", "system", "exit", "clear_session", "Session", "data", "layers", "get_weights", "set_weights", "assign_add",
                      "assign_sub", "set_random_seed", "load_model", "save_model", "export", "plot", "profiler"})  # fmt: skip
"""Names that code would use which writes, draws, trains, or looks at more than the logs."""
OF_KERAS = frozenset({"model", "_model", "params"})
"""What Keras sets in each callback, and a race sets to something of its own."""
CHANGING = ("assign", "update_state", "fit", "set_model", "bit_generator", "get_state")
"""What variables, optimizers, metrics, models, callbacks and random generators have:

a hook would change the script's own.
"""
CONTAINERS = (dict, list, tuple, set, frozenset, collections.deque)


def unsafe_reason(callback: Any) -> str:
    """Why the hooks of a callback had better not be called beside the training; an empty string where they may be.

    Only code passes whose globals are known to be calm, whose attributes have no name of the restless ones, and which
    holds nothing of its own but values: a callback that is left out of a race is named in the report, one that writes a
    file, tells a server, or counts something of the script's would do harm.
    """
    seen: set[types.CodeType] = set()
    return next(filter(None, (_of_attribute(name, callback, seen) for name in HOOKS)), "")


def of_function(function: Any) -> str:
    """The same of one function of the user's, such as that of a `LearningRateScheduler`."""
    made = _function(function)
    return "it is no Python function" if made is None else _of_function(made, None, set())


def constants(callback: Any) -> set[str]:
    """All strings in the code of a callback's hooks and in its attributes:

    the names of the logs that it reads are among them.
    """
    found = {value for value in vars(callback).values() if isinstance(value, str)}
    for name in HOOKS:
        function = _function(getattr(callback, name, None))
        if function is not None and not _is_of_framework(function):
            for code in _codes(function.__code__):
                found |= {value for value in code.co_consts if isinstance(value, str)}
    return found


def _function(value: Any) -> types.FunctionType | None:
    value = getattr(value, "__func__", value)
    while getattr(value, "__wrapped__", None) is not None:
        value = value.__wrapped__
    return value if isinstance(value, types.FunctionType) else None


def _is_of_framework(function: types.FunctionType) -> bool:
    return function.__module__.split(".")[0] in ("keras", "tf_keras")


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


def _of_function(function: types.FunctionType, owner: Any, seen: set[types.CodeType]) -> str:
    if function.__code__ in seen or _is_of_framework(function):
        return ""
    seen.add(function.__code__)
    for cell, name in zip(function.__closure__ or (), function.__code__.co_freevars, strict=False):
        found = _of_value(name, _content(cell), seen)
        if found and name != "__class__":
            return found
    for code in _codes(function.__code__):
        for step in dis.get_instructions(code):
            found = _of_instruction(step, function, owner, seen)
            if found:
                return found
    return ""


def _of_instruction(step: dis.Instruction, function: types.FunctionType, owner: Any, seen: set[types.CodeType]) -> str:
    name = str(step.argval)
    if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME"):
        return f"it touches {name}, which is not its own"
    if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
        if name in function.__globals__:
            return _of_value(name, function.__globals__[name], seen)
        return "" if name in SAFE_BUILTINS or not hasattr(builtins, name) else f"it calls {name}"
    if step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
        return f"it uses {name}" if name in UNSAFE_NAMES else _of_attribute(name, owner, seen)
    return ""


def _of_attribute(name: str, owner: Any, seen: set[types.CodeType]) -> str:
    """The same of what a callback has by this name:

    a race calls a copy of it, which shares all objects that it holds.
    """
    if owner is None or name in OF_KERAS:
        return ""
    held = [scope[name] for scope in (getattr(owner, "__dict__", {}), *_scopes(type(owner))) if name in scope]
    for value in held:
        function = (
            None
            if isinstance(value, types.MethodType)
            else _function(value.fget if isinstance(value, property) else value)
        )
        found = _of_held(name, value, seen) if function is None else _of_function(function, owner, seen)
        if found:
            return found
    return ""


def _scopes(cls: type) -> Iterator[Any]:
    """The names of a class and of those that it is derived from, as far as they are not Keras' own."""
    return (vars(each) for each in cls.__mro__ if _root(each) not in {"builtins", "tf_keras", *SAFE_MODULES})


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", "")).split(".")[0]


def _of_held(name: str, value: Any, seen: set[types.CodeType], depth: int = 4) -> str:
    """The same of a value that a callback holds:

    plain ones, what is made of them, and what of Keras' has nothing that changes.
    """
    if depth and isinstance(value, CONTAINERS) and _root(type(value)) in ("builtins", "collections"):
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        return next(filter(None, (_of_held(name, part, seen, depth - 1) for part in parts)), "")
    if _root(type(value)) in SAFE_MODULES:
        return f"it uses {name}, which is not its own" if any(hasattr(value, each) for each in CHANGING) else ""
    return (
        f"it uses {name}, which is not its own" if isinstance(value, types.MethodType) else _of_value(name, value, seen)
    )


def _of_value(name: str, value: Any, seen: set[types.CodeType]) -> str:
    if isinstance(value, types.ModuleType):
        return "" if value.__name__.split(".")[0] in SAFE_MODULES else f"it uses {name}"
    if isinstance(value, types.FunctionType):
        return _of_function(value, None, seen)
    if isinstance(value, type):
        return (
            ""
            if value.__module__.split(".")[0] in {"builtins", *SAFE_MODULES} or name == "__class__"
            else f"it uses {name}"
        )
    if (
        isinstance(value, SHOWN)
        or isinstance(value, (tuple, frozenset))
        and all(isinstance(part, SHOWN) for part in value)
    ):
        return ""
    if callable(value) and getattr(value, "__module__", "").split(".")[0] in SAFE_MODULES:
        return ""
    return f"it uses {name}, which is not its own"


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it was never filled
        return None
