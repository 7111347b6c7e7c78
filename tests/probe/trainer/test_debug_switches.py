"""A profiler that is restarted writes to the script's own folder. TensorFlow is a test double."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe.trainer import debug_switches


@pytest.fixture
def tensorflow(monkeypatch: pytest.MonkeyPatch) -> Any:
    calls: list[Any] = []
    inside = SimpleNamespace(_profiler=None, start=lambda logdir, options=None: begin(logdir))

    def begin(logdir: str, options: Any = None) -> None:
        calls.append(logdir)
        inside._profiler = object()

    def stop(save: bool = True) -> None:
        calls.append(save)
        inside._profiler = None

    profiler = SimpleNamespace(experimental=SimpleNamespace(start=begin, stop=stop))
    module = SimpleNamespace(profiler=profiler, inside=inside, calls=calls)
    monkeypatch.setitem(sys.modules, "tensorflow", module)
    monkeypatch.setitem(sys.modules, "tensorflow.python.profiler.profiler_v2", inside)
    monkeypatch.setattr(debug_switches, "_started", {})
    return module


@pytest.mark.parametrize("public", [True, False])
def test_the_profiler_is_restarted_with_the_scripts_own_folder(tensorflow: Any, public: bool) -> None:
    patches = debug_switches.install(tensorflow)
    (tensorflow.profiler.experimental if public else tensorflow.inside).start("logs")
    on_again = debug_switches.turned_off(debug_switches.PROFILER)
    assert not debug_switches.is_on(debug_switches.PROFILER)
    on_again()
    patches.undo()
    assert tensorflow.calls == ["logs", False, "logs"]
