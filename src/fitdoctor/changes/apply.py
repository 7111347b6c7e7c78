"""Carries changes out on live objects: a model, fit's arguments, callbacks.

Each function returns what undoes it, and undoes itself where it fails.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change, SetArgument, ThrottleHook

Undo = Callable[[], None]

EAGER_SWITCH = "tf.config.run_functions_eagerly"
COMPILE_SETTINGS = ("run_eagerly", "steps_per_execution", "jit_compile")


def to_model(model: Any, changes: list[Change]) -> Undo:
    """Sets what `compile` was given. The train function must be made anew afterwards.

    Raises:
        ValueError: The argument can't be changed on a compiled model.
    """
    undos: list[Undo] = []
    try:
        for change in changes:
            if isinstance(change, SetArgument) and change.call == EAGER_SWITCH:
                import tensorflow as tf

                undos.append(functools.partial(tf.config.run_functions_eagerly, tf.config.functions_run_eagerly()))
                tf.config.run_functions_eagerly(change.value)
            elif isinstance(change, SetArgument) and change.call == "Model.compile":
                if change.argument not in COMPILE_SETTINGS:
                    raise ValueError(f"`{change.argument}` of compile can't be changed on a compiled model.")
                undos.append(functools.partial(setattr, model, change.argument, getattr(model, change.argument)))
                setattr(model, change.argument, change.value)
    except BaseException:
        _all(undos)()
        raise
    return _all(undos)


def to_fit(bound: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """Fit's arguments with those set that a change names. The input itself is the pipeline's business."""
    changed = {c.argument: c.value for c in changes if isinstance(c, SetArgument) and c.call == "Model.fit"}
    return {**bound, **changed}


def to_callbacks(items: list[Any], changes: list[Change]) -> Undo:
    """Sets attributes of callbacks, or makes a hook run on every n-th call only. `items` is fit's list, in its order.

    Raises:
        ValueError: There is no such callback.
    """
    undos: list[Undo] = []
    try:
        for change in changes:
            if isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0:
                if change.index >= len(items) or type(items[change.index]).__name__ != change.call:
                    raise ValueError(f"Expected callback {change.index} to be a {change.call}.")
                callback = items[change.index]
                if isinstance(change, SetArgument):
                    undos.append(functools.partial(setattr, callback, change.argument, getattr(callback, change.argument)))
                    setattr(callback, change.argument, change.value)
                else:
                    undos.append(_throttle(callback, change.hook, change.every))
    except BaseException:
        _all(undos)()
        raise
    return _all(undos)


def _throttle(callback: Any, hook: str, every: int) -> Undo:
    function = getattr(callback, hook)
    own = hook in vars(callback)
    calls = 0

    @functools.wraps(function)
    def rarely(*arguments: Any, **keywords: Any) -> Any:
        nonlocal calls
        calls += 1
        return function(*arguments, **keywords) if (calls - 1) % every == 0 else None

    setattr(callback, hook, rarely)
    return functools.partial(setattr, callback, hook, function) if own else functools.partial(delattr, callback, hook)


def _all(undos: list[Undo]) -> Undo:
    def undo() -> None:
        for each in reversed(undos):
            each()

    return undo
