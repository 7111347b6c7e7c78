"""Runs a script, a module or a line of code exactly as `python` would, with a probe inside.

Started by path (`python …/fitdoctor/launch.py SPEC`), so that fitdoctor need not be installed in the environment of the script:
only this package is made importable, and `sys.path` is what it would be without us. SPEC is a JSON file, see `Spec`.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import runpy
import signal
import sys
import traceback
import types
from typing import Any

PR_SET_PDEATHSIG = 1
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Reads the specification, installs the probe that it asks for, and becomes the user's program."""
    _end_with_parent()
    _make_importable()
    with open(sys.argv[1], encoding="utf-8") as file:
        spec: dict[str, Any] = json.load(file)
    from fitdoctor.probe import roles

    probe = roles.start(spec)
    sys.argv = [spec["target"] if spec["mode"] == "script" else "-m" if spec["mode"] == "module" else "-c", *spec["arguments"]]
    code = _run(spec["mode"], spec["target"], probe)
    probe.finish()
    sys.exit(code)


def _end_with_parent() -> None:
    """Asks Linux to end this process when the one that started it is gone, however that ended."""
    try:
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (ImportError, OSError, AttributeError, TypeError):
        pass


def _make_importable() -> None:
    if "fitdoctor" in sys.modules:
        return
    found = importlib.util.spec_from_file_location(
        "fitdoctor", os.path.join(HERE, "__init__.py"), submodule_search_locations=[HERE]
    )
    assert found is not None and found.loader is not None
    package = importlib.util.module_from_spec(found)
    sys.modules["fitdoctor"] = package
    found.loader.exec_module(package)


def _run(mode: str, target: str, probe: Any) -> Any:
    """Runs the target and returns what `sys.exit` should be given."""
    try:
        if mode == "script":
            sys.path[0] = os.path.dirname(os.path.abspath(target))
            _run_file(os.path.abspath(target))
        elif mode == "module":
            sys.path[0] = os.getcwd()
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = ""
            _run_code(compile(target, "<string>", "exec"), {"__file__": None})
    except SystemExit as exit_:
        probe.exited(exit_)
        return exit_.code
    except BaseException as error:
        probe.raised(error)
        _print_as_python_would(error)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


def _run_file(path: str) -> None:
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, path, "exec", dont_inherit=True)
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    _run_code(code, {"__file__": path, "__loader__": loader, "__cached__": None})


def _run_code(code: types.CodeType, attributes: dict[str, Any]) -> None:
    module = types.ModuleType("__main__")
    for name, value in attributes.items():
        if value is not None or name != "__file__":
            setattr(module, name, value)
    module.__dict__["__builtins__"] = __builtins__
    module.__dict__.setdefault("__annotations__", {})
    sys.modules["__main__"] = module
    exec(code, module.__dict__)


def _print_as_python_would(error: BaseException) -> None:
    """Prints the traceback without the frames of this launcher."""
    trace = error.__traceback__
    while trace is not None and os.path.abspath(trace.tb_frame.f_code.co_filename).startswith(HERE):
        trace = trace.tb_next
    while trace is not None and "runpy" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    sys.stdout.flush()
    traceback.print_exception(type(error), error, trace)


if __name__ == "__main__":
    main()
