"""Whether a callback's hooks can be called in a race.

They can where they only read the logs, stop the training and set its learning rate.
"""

from __future__ import annotations

import builtins
import collections
import dis
import types
from collections.abc import Iterator
from typing import Any

from fitdoctor.probe.observe.describe import SHOWN

# The hooks that a race calls.
HOOKS = ("on_train_begin", "on_epoch_begin", "on_epoch_end")
SAFE_BUILTINS = frozenset({
    "abs", "all", "any", "bool", "dict", "enumerate", "float", "format", "getattr", "hasattr", "int", "isinstance",
    "len", "list", "max", "min", "print", "range", "reversed", "round", "set", "sorted", "str", "sum", "super",
    "tuple", "type", "zip", "None", "True", "False", "ValueError", "TypeError", "KeyError",
})  # fmt: skip
SAFE_MODULES = frozenset({"numpy", "math", "keras", "tensorflow", "operator", "statistics"})
# Names in code that writes, draws random numbers, trains, or reads more than the logs.
UNSAFE_NAMES = frozenset({
    "open", "save", "save_weights", "load_weights", "write", "writerow", "dump", "dumps", "savez", "savetxt",
    "tofile", "predict", "evaluate", "fit", "train_on_batch", "test_on_batch", "predict_on_batch", "compile", "io",
    "random", "summary", "system", "exit", "clear_session", "Session", "data", "layers", "get_weights",
    "set_weights", "assign_add", "assign_sub", "set_random_seed", "load_model", "save_model", "export", "plot",
    "profiler",
})  # fmt: skip
# Attributes that Keras sets in each callback. A race sets them to stand-ins.
OF_KERAS = frozenset({"model", "_model", "params"})
# Attributes of variables, optimizers, metrics, models, callbacks and random generators. A hook that holds one could
# change the script's own objects.
CHANGING = ("assign", "update_state", "fit", "set_model", "bit_generator", "get_state")
CONTAINERS = (dict, list, tuple, set, frozenset, collections.deque)


def unsafe_reason(callback: Any) -> str:
    """Why the hooks of a callback are not called in a race; an empty string where they are.

    Code is safe where its globals are known to be safe, where it uses no unsafe name, and where the callback holds only
    values. A callback that is left out is named in the report. A callback that writes a file, calls a server, or counts
    something of the script would do harm.
    """
    seen: set[types.CodeType] = set()
    return next(filter(None, (_attribute_reason(name, callback, seen) for name in HOOKS)), "")


def unsafe_function_reason(function: Any) -> str:
    """The same for one function of the user's, such as that of a `LearningRateScheduler`."""
    unwrapped = _function(function)
    return "it is no Python function" if unwrapped is None else _function_reason(unwrapped, None, set())


def constants(callback: Any) -> set[str]:
    """All strings in the code of a callback's hooks and in its attributes. They include the logs that it reads."""
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


def _function_reason(function: types.FunctionType, owner: Any, seen: set[types.CodeType]) -> str:
    if function.__code__ in seen or _is_of_framework(function):
        return ""
    seen.add(function.__code__)
    for cell, name in zip(function.__closure__ or (), function.__code__.co_freevars, strict=False):
        found = _value_reason(name, _cell_content(cell), seen)
        if found and name != "__class__":
            return found
    for code in _codes(function.__code__):
        for step in dis.get_instructions(code):
            found = _instruction_reason(step, function, owner, seen)
            if found:
                return found
    return ""


def _instruction_reason(
    step: dis.Instruction, function: types.FunctionType, owner: Any, seen: set[types.CodeType]
) -> str:
    name = str(step.argval)
    if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL", "IMPORT_NAME"):
        return f"it touches {name}, which is not its own"
    if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
        if name in function.__globals__:
            return _value_reason(name, function.__globals__[name], seen)
        return "" if name in SAFE_BUILTINS or not hasattr(builtins, name) else f"it calls {name}"
    if step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR"):
        return f"it uses {name}" if name in UNSAFE_NAMES else _attribute_reason(name, owner, seen)
    return ""


def _attribute_reason(name: str, owner: Any, seen: set[types.CodeType]) -> str:
    """The same for an attribute of a callback. A race calls a copy of the callback, which shares all its objects."""
    if owner is None or name in OF_KERAS:
        return ""
    held = [scope[name] for scope in (getattr(owner, "__dict__", {}), *_scopes(type(owner))) if name in scope]
    for value in held:
        function = (
            None
            if isinstance(value, types.MethodType)
            else _function(value.fget if isinstance(value, property) else value)
        )
        found = _held_reason(name, value, seen) if function is None else _function_reason(function, owner, seen)
        if found:
            return found
    return ""


def _scopes(cls: type) -> Iterator[Any]:
    """The attributes of a class and of its bases, without those of Keras."""
    return (vars(each) for each in cls.__mro__ if _root(each) not in {"builtins", "tf_keras", *SAFE_MODULES})


def _root(value: Any) -> str:
    return str(getattr(value, "__module__", "")).split(".")[0]


def _held_reason(name: str, value: Any, seen: set[types.CodeType], depth: int = 4) -> str:
    """The same for a value that a callback holds.

    Safe are plain values, containers of them, and objects of Keras that can't change.
    """
    if depth and isinstance(value, CONTAINERS) and _root(type(value)) in ("builtins", "collections"):
        parts = [*value.keys(), *value.values()] if isinstance(value, dict) else value
        return next(filter(None, (_held_reason(name, part, seen, depth - 1) for part in parts)), "")
    if _root(type(value)) in SAFE_MODULES:
        return f"it uses {name}, which is not its own" if any(hasattr(value, each) for each in CHANGING) else ""
    return (
        f"it uses {name}, which is not its own"
        if isinstance(value, types.MethodType)
        else _value_reason(name, value, seen)
    )


def _value_reason(name: str, value: Any, seen: set[types.CodeType]) -> str:
    if isinstance(value, types.ModuleType):
        return "" if value.__name__.split(".")[0] in SAFE_MODULES else f"it uses {name}"
    if isinstance(value, types.FunctionType):
        return _function_reason(value, None, seen)
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


def _cell_content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # it was never filled
        return None
