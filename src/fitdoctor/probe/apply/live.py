"""Makes changes on live objects: a model, fit's arguments, callbacks.

Each function returns a function that undoes it. If one fails, it undoes what it has done.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fitdoctor.changes.model import Change, RemoveCall, SetArgument, ThrottleHook
from fitdoctor.probe import backends
from fitdoctor.probe.apply.callbacks import set_argument, silence
from fitdoctor.probe.trainer import compiled_metrics, debug_switches, keras_internals
from fitdoctor.probe.trainer.learning_rate import constant as learning_rate

Undo = Callable[[], None]

EAGER_SWITCH = "tf.config.run_functions_eagerly"
COMPILE_SETTINGS = ("run_eagerly", "steps_per_execution", "jit_compile")


def apply_to_model(model: Any, changes: list[Change]) -> Undo:
    """Changes arguments of `compile`. The train function must be made again afterwards.

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
            elif isinstance(change, RemoveCall) and change.call != debug_switches.DEBUG_MODE:
                undos.append(debug_switches.turned_off(change.call))
            elif isinstance(change, SetArgument) and change.call == "Model.compile" and change.argument == "metrics":
                undos.append(compiled_metrics.keep(model, change.value))
            elif (
                isinstance(change, SetArgument)
                and change.call == "Model.compile"
                and change.argument == "learning_rate"
            ):
                undos.append(_set_learning_rate(model.optimizer, change.value))
            elif isinstance(change, SetArgument) and change.call == "Model.compile":
                if change.argument not in COMPILE_SETTINGS:
                    raise ValueError(f"`{change.argument}` of compile can't be changed on a compiled model.")
                before = keras_internals.setting(model, change.argument)
                undos.append(functools.partial(keras_internals.put_setting, model, change.argument, before))
                keras_internals.put_setting(model, change.argument, change.value)
    except BaseException:
        _undo_all(undos)()
        raise
    return _undo_all(undos)


def switch_off_before_rebuild(changes: list[Change]) -> Undo:
    """Turns off switches that TensorFlow reads while a pipeline is made."""
    undos = [
        debug_switches.turned_off(change.call)
        for change in changes
        if isinstance(change, RemoveCall) and change.call == debug_switches.DEBUG_MODE
    ]
    return _undo_all(undos)


def compilation_key(model: Any) -> tuple[Any, ...]:
    """The settings that a train function is compiled for. Two arms with equal settings may share one."""
    settings = tuple(keras_internals.setting(model, name) for name in COMPILE_SETTINGS)
    checked = debug_switches.is_on(debug_switches.CHECK_NUMERICS)
    tf = backends.in_use("tensorflow")
    return *settings, tf is not None and tf.config.functions_run_eagerly(), compiled_metrics.names(model), checked


def _set_learning_rate(optimizer: Any, value: float) -> Undo:
    before = learning_rate(optimizer)
    if before is None:
        raise ValueError("The learning rate follows a schedule and can't be set.")
    optimizer.learning_rate = value
    return functools.partial(setattr, optimizer, "learning_rate", before)


def apply_to_fit(bound: dict[str, Any], changes: list[Change]) -> dict[str, Any]:
    """Fit's arguments with the changed ones. Changes of the input itself are made elsewhere."""
    changed = {c.argument: c.value for c in changes if isinstance(c, SetArgument) and c.call == "Model.fit"}
    return {**bound, **changed}


def apply_to_callbacks(items: list[Any], changes: list[Change], calls: dict[int, int] | None = None) -> Undo:
    """Sets attributes of callbacks, or makes a hook run at every n-th call only.

    Args:
        items: Fit's list, in its order.
        changes: Any; only those of callbacks are made.
        calls: How often each throttled hook was called so far, by the number of the change. Pass the same one to make
            the same changes again.

    Raises:
        ValueError: There is no such callback.
    """
    undos: list[Undo] = []
    calls = {} if calls is None else calls
    try:
        for number, change in enumerate(changes):
            if isinstance(change, (SetArgument, ThrottleHook)) and change.index >= 0:
                if change.index >= len(items) or type(items[change.index]).__name__ != change.call:
                    raise ValueError(f"Expected callback {change.index} to be a {change.call}.")
                callback = items[change.index]
                if isinstance(change, SetArgument):
                    undos.append(set_argument(callback, change.argument, change.value))
                else:
                    undos.append(_throttle(callback, change, calls, number))
            elif isinstance(change, SetArgument) and (change.call, change.argument) == ("Model.fit", "verbose"):
                undos.append(silence(items, change.value))
    except BaseException:
        _undo_all(undos)()
        raise
    return _undo_all(undos)


def longest_throttle_period(changes: list[Change], hooks: str) -> int:
    """The number of calls after which each throttled hook has run once.

    Args:
        changes: Any.
        hooks: The beginning of the names of the hooks.
    """
    return max(
        [1, *(change.every for change in changes if isinstance(change, ThrottleHook) and change.hook.startswith(hooks))]
    )


def _throttle(callback: Any, change: ThrottleHook, calls: dict[int, int], number: int) -> Undo:
    hook, function = change.hook, getattr(callback, change.hook)
    own = hook in vars(callback)

    @functools.wraps(function)
    def rarely(*arguments: Any, **keywords: Any) -> Any:
        before = calls.get(number, 0)
        calls[number] = before + 1
        return function(*arguments, **keywords) if before % change.every == 0 else None

    setattr(callback, hook, rarely)
    return functools.partial(setattr, callback, hook, function) if own else functools.partial(delattr, callback, hook)


def _undo_all(undos: list[Undo]) -> Undo:
    def undo() -> None:
        for each in reversed(undos):
            each()

    return undo
