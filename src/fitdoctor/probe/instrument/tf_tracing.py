"""Times TensorFlow's tracing of Python functions into graphs."""

from __future__ import annotations

from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.originals import threading, time
from fitdoctor.probe.support.patches import Patches
from fitdoctor.probe.timing.durations import add
from fitdoctor.recording.model import Traced

# Gets the code that was traced and the seconds of the trace.
OnTrace = Callable[[CodeType | None, float], None]


class _Depth(threading.local):
    value = 0


_depth = _Depth()


def install(tracing: ModuleType, on_trace: OnTrace) -> Patches:
    """Wraps the function that every trace goes through. `undo()` of the result ends that.

    Args:
        tracing: The module of TensorFlow that holds the function.
        on_trace: Called after each outermost trace.
    """
    patches = Patches()
    original = tracing._create_concrete_function

    def wrapper(function_type: Any, type_context: Any, graph: Any, options: Any) -> Any:
        code = guard.guarded(_code_of, options.python_function)
        _depth.value += 1
        began_s = time.perf_counter()
        try:
            return original(function_type, type_context, graph, options)
        finally:
            _depth.value -= 1
            if not _depth.value and patches.live:
                on_trace(code, time.perf_counter() - began_s)

    patches.put(tracing, "_create_concrete_function", wrapper)
    return patches


def _code_of(function: Any) -> CodeType | None:
    """Returns the code inside a traced function's wrappers by TensorFlow."""
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code if isinstance(code, CodeType) else None


class TracedFunctions:
    """Counts the traces of the user's own functions, by function and call site.

    Args:
        found: Gets a record for each function and call site.
    """

    def __init__(self, found: list[Traced]) -> None:
        self._found = found
        self._known: dict[tuple[CodeType, str, int], Traced] = {}

    def add(self, code: CodeType | None, seconds: float) -> None:
        """Counts one trace, if the function is the user's own."""
        function = call_sites.of_code(code) if code is not None else None
        site = call_sites.find()
        if code is None or function is None or site is None:
            return
        key = (code, site.file, site.line)
        if key not in self._known:
            self._known[key] = Traced(function=function, site=site)
            self._found.append(self._known[key])
        add(self._known[key].traces, seconds)
