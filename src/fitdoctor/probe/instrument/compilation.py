"""Times the programs that JAX and torch.compile make of a train step, as the frameworks report it."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

from fitdoctor.probe.support.originals import time

OnCompile = Callable[[float], None]
Undo = Callable[[], None]

# The function that Keras passes to JAX. Its name is reported alone or as `jit(train_step)`.
JAX_STEP = "train_step"
# The events that JAX reports for each program, in this order, under `/jax/core/compile`.
JAX_STAGES = ("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration", "backend_compile_duration")


def watch_jax(jax: ModuleType, on_compile: OnCompile) -> Undo:
    """Reports each program that JAX makes of a train step, until the result is called.

    Args:
        jax: The module.
        on_compile: Gets the seconds of tracing, lowering and compiling together.
    """
    monitoring: Any = importlib.import_module(f"{jax.__name__}.monitoring")
    before_s = 0.0

    def listen(event: str, seconds: float, **about: Any) -> None:
        nonlocal before_s
        stage = event.rpartition("/")[2]
        if stage not in JAX_STAGES or str(about.get("fun_name")).removeprefix("jit(").removesuffix(")") != JAX_STEP:
            return
        before_s += seconds
        if stage == JAX_STAGES[-1]:
            whole_s, before_s = before_s, 0.0
            on_compile(whole_s)

    monitoring.register_event_duration_secs_listener(listen)

    def undo() -> None:
        remove = getattr(monitoring, "unregister_event_duration_listener", None)  # of JAX 0.5 and later
        if remove is not None:
            remove(listen)

    return undo


def watch_torch(callback: ModuleType, on_compile: OnCompile) -> Undo:
    """Reports each program that `torch.compile` makes, until the result is called.

    Args:
        callback: The module `torch._dynamo.callback`, which is imported once the script compiles something.
        on_compile: Gets the seconds from the start of the first program to the end of those made within it.
    """
    handler = callback.callback_handler
    began_s: list[float] = []

    def begin(*_: Any) -> None:
        began_s[:] = [time.perf_counter()]

    def end(*_: Any) -> None:
        if began_s:
            on_compile(time.perf_counter() - began_s.pop())

    handler.register_start_callback(begin)
    handler.register_end_callback(end)

    def undo() -> None:
        handler.remove_start_callback(begin)
        handler.remove_end_callback(end)

    return undo
