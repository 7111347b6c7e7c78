from __future__ import annotations

import functools
import types
from types import CodeType
from typing import Any

from fitdoctor.probe.instrument import tf_tracing
from fitdoctor.recording.model import Traced


def tracing(inner: Any = None) -> types.ModuleType:
    """A module like TensorFlow's, whose traces call `inner`."""

    def create(function_type: Any, type_context: Any, graph: Any, options: Any) -> str:
        if inner is not None:
            inner()
        return "graph"

    module = types.ModuleType("tracing_compilation")
    module._create_concrete_function = create  # type: ignore[attr-defined]
    return module


def step() -> None:
    pass


def options() -> types.SimpleNamespace:
    @functools.wraps(step)
    def wrapped() -> None:
        step()

    return types.SimpleNamespace(python_function=wrapped)


def test_the_function_inside_wrappers_is_reported() -> None:
    reported: list[tuple[CodeType | None, float]] = []
    module = tracing()
    tf_tracing.install(module, lambda code, seconds: reported.append((code, seconds)))
    assert module._create_concrete_function(None, None, None, options()) == "graph"
    ((code, seconds),) = reported
    assert code is step.__code__
    assert seconds >= 0


def test_nested_traces_are_counted_with_the_outer_one() -> None:
    reported: list[CodeType | None] = []
    module = tracing(lambda: inner._create_concrete_function(None, None, None, options()))
    inner = tracing()
    tf_tracing.install(inner, lambda code, seconds: reported.append(code))
    tf_tracing.install(module, lambda code, seconds: reported.append(code))
    module._create_concrete_function(None, None, None, types.SimpleNamespace(python_function=None))
    assert reported == [None]


def test_functions_are_counted_by_call_site() -> None:
    found: list[Traced] = []
    functions = tf_tracing.TracedFunctions(found)
    for _ in range(3):
        functions.add(step.__code__, 0.5)
    functions.add(functools.lru_cache.__code__, 1.0)
    functions.add(None, 1.0)
    (traced,) = found
    assert (traced.traces.count, traced.traces.total_s) == (3, 1.5)
    assert traced.function.function == "step"
    assert traced.site.file == __file__
