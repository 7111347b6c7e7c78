"""Finds the Python functions that a compiled step calls, and times them."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, ModuleType
from typing import Any

from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import time
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.durations import add
from fitdoctor.recording.model import Duration, PythonOperation

# The functions of Keras' trainer that are traced into a step: an operation made while one of them runs is part of the
# step. TensorFlow has rewritten that of tf_keras by then, which has the last of these names.
STEP_FUNCTIONS = frozenset({"one_step_on_data", "multi_step_on_iterator", "tf__train_function"})


def install(script_ops: ModuleType, on_operation: Callable[[PythonOperation], None]) -> Patches:
    """Wraps TensorFlow's register of Python functions. `undo()` of the result ends that.

    Args:
        script_ops: The module that holds the register.
        on_operation: Gets a record for each operation of a step when it is traced. Its runs are added later.
    """
    patches = Patches()
    register = script_ops.FuncRegistry
    runs: dict[Any, Duration] = {}
    insert, call = register.insert, register.__call__

    def inserted(self: Any, func: Any) -> Any:
        token = insert(self, func)
        if patches.live:
            guard.guarded(note, token, func, sys._getframe(1))
        return token

    def called(self: Any, token: Any, *args: Any) -> Any:
        taken = runs.get(token)
        if taken is None:
            return call(self, token, *args)
        began_s = time.perf_counter()
        try:
            return call(self, token, *args)
        finally:
            guard.guarded(add, taken, time.perf_counter() - began_s)

    def note(token: Any, function: Any, frame: FrameType) -> None:
        if _in_a_step(frame):
            runs[token] = Duration()
            on_operation(PythonOperation(kind=_kind(function, script_ops), site=call_sites.find(), runs=runs[token]))

    patches.put(register, "insert", inserted)
    patches.put(register, "__call__", called)
    return patches


def _in_a_step(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_name in STEP_FUNCTIONS:
            return True
        frame = frame.f_back
    return False


def _kind(function: Any, script_ops: ModuleType) -> str:
    if not isinstance(function, script_ops.EagerFunc):
        return "numpy_function"
    return "gradient" if getattr(function, "_is_grad_func", False) else "py_function"
