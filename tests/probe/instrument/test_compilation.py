from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe.instrument import compilation

STAGE = "/jax/core/compile/"


class Monitoring(ModuleType):
    """The listeners of `jax.monitoring`."""

    def __init__(self) -> None:
        super().__init__("jax.monitoring")
        self.listeners: list[Any] = []
        self.register_event_duration_secs_listener = self.listeners.append
        self.unregister_event_duration_listener = self.listeners.remove

    def tell(self, stage: str, seconds: float, **about: Any) -> None:
        for listener in self.listeners:
            listener(STAGE + stage, seconds, **about)


@pytest.fixture
def monitoring(monkeypatch: pytest.MonkeyPatch) -> Monitoring:
    made = Monitoring()
    jax = ModuleType("jax")
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "jax.monitoring", made)
    return made


def test_a_program_of_the_train_step_is_reported_once_with_its_whole_time(monitoring: Monitoring) -> None:
    reported_s: list[float] = []
    undo = compilation.watch_jax(sys.modules["jax"], reported_s.append)
    monitoring.tell("jaxpr_trace_duration", 1.0, fun_name="train_step")
    monitoring.tell("jaxpr_trace_duration", 50.0, fun_name="test_step")
    monitoring.tell("jaxpr_to_mlir_module_duration", 2.0, fun_name="jit(train_step)")
    monitoring.tell("backend_compile_duration", 4.0, fun_name="jit(train_step)")
    monitoring.tell("backend_compile_duration", 0.5, fun_name="jit(train_step)")
    monitoring.tell("something_new", 9.0, fun_name="train_step")
    monitoring.tell("backend_compile_duration", 60.0)
    assert reported_s == [7.0, 0.5]
    undo()
    assert monitoring.listeners == []


def test_a_jax_that_can_not_remove_listeners_keeps_it(monitoring: Monitoring) -> None:
    del monitoring.unregister_event_duration_listener
    compilation.watch_jax(sys.modules["jax"], lambda seconds: None)()
    assert len(monitoring.listeners) == 1


def test_programs_of_torch_are_timed() -> None:
    begins: list[Any] = []
    ends: list[Any] = []
    handler = SimpleNamespace(
        register_start_callback=begins.append,
        register_end_callback=ends.append,
        remove_start_callback=begins.remove,
        remove_end_callback=ends.remove,
    )
    reported_s: list[float] = []
    undo = compilation.watch_torch(SimpleNamespace(callback_handler=handler), reported_s.append)  # type: ignore[arg-type]
    ends[0]("put in while something was compiled")
    assert reported_s == []
    begins[0]("arguments")
    ends[0]("arguments")
    assert len(reported_s) == 1
    assert reported_s[0] >= 0
    undo()
    assert begins == ends == []
