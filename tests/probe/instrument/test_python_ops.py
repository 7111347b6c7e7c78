from __future__ import annotations

from types import ModuleType

from fitdoctor.probe.instrument.python_ops import install
from fitdoctor.recording.model import PythonOperation


class EagerFunc:
    _is_grad_func = False

    def __call__(self) -> str:
        return "done"


def script_ops() -> ModuleType:
    """A register of Python functions like TensorFlow's."""
    module = ModuleType("script_ops")

    class FuncRegistry:
        def __init__(self) -> None:
            self.functions: list[EagerFunc] = []

        def insert(self, function: EagerFunc) -> int:
            self.functions.append(function)
            return len(self.functions) - 1

        def __call__(self, token: int, device: str, arguments: list[object]) -> str:
            return self.functions[token]()

    module.FuncRegistry, module.EagerFunc = FuncRegistry, EagerFunc  # type: ignore[attr-defined]
    return module


def test_operations_that_are_made_while_a_step_is_traced_are_timed() -> None:
    module, found = script_ops(), list[PythonOperation]()
    patches = install(module, found.append)
    register = module.FuncRegistry()

    def one_step_on_data() -> int:
        return int(register.insert(EagerFunc()))

    outside, inside = register.insert(EagerFunc()), one_step_on_data()
    assert [register(token, "CPU", []) for token in (outside, inside, inside)] == ["done"] * 3
    (operation,) = found
    assert (operation.kind, operation.runs.count) == ("py_function", 2)
    assert operation.site is not None
    patches.undo()
    one_step_on_data()
    assert len(found) == 1
