"""Runs a script, a module or a line of code exactly as `python` would, with a probe inside.

Started by path (`python …/fitdoctor/launch.py SPEC`), so that fitdoctor need not be installed in the environment of the
script: only this package is made importable, and `sys.path` is what it would be without us. SPEC is a JSON file, see
`Spec`.
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import runpy
import signal
import sys
import types
from collections.abc import Callable
from typing import Any

PR_SET_PDEATHSIG = 1
FIRST = slice(0 if getattr(sys.flags, "safe_path", False) or sys.flags.isolated else 1)
"""Of `sys.path`:

where Python has put the folder of this launcher, in place of which the script's own stands; nothing with -P and -I.
"""
ENDED = object()
"""How a script ended that came to its last line."""
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Reads the specification, installs the probe that it asks for, and becomes the user's program."""
    with open(sys.argv[1], encoding="utf-8") as file:
        spec: dict[str, Any] = json.load(file)
    spec["path"] = os.path.abspath(sys.argv[1])
    spec["arguments"] += sys.argv[2:]  # of a script that starts its own command line anew, with more behind it
    if spec["role"] in ("watch", "treat"):
        probe = _start_harmlessly(spec)
    else:
        _end_with_parent()
        probe = _start(spec)
    _tell(_hide_launcher, spec)
    sys.argv = [
        spec["target"] if spec["mode"] == "script" else "-m" if spec["mode"] == "module" else "-c",
        *spec["arguments"],
    ]
    code = _run(spec["mode"], spec["target"], probe)
    _tell(probe.finish)
    if code is ENDED:  # Python goes on as behind the script: with PYTHONINSPECT set, `sys.exit` would be an error to it
        return
    if isinstance(code, BaseException):
        _print_next_nothing()
        raise code
    sys.exit(code)


def _print_next_nothing() -> None:
    """Has Python take an error that was printed already for one that it printed itself:

    it ends by the signal of an interrupt then.
    """
    hook = sys.excepthook

    def silent(*_: Any) -> None:
        sys.excepthook = hook

    sys.excepthook = silent


def _hide_launcher(spec: dict[str, Any]) -> None:
    """Has `sys.orig_argv`, from which scripts start themselves anew, say what it would say without us."""
    flag = {"module": ["-m"], "code": ["-c"]}.get(spec["mode"], [])
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[len(sys.orig_argv) - len(sys.argv) :] = [*flag, spec["target"], *spec["arguments"]]


def _start(spec: dict[str, Any]) -> Any:
    _make_importable()
    from fitdoctor.probe.roles import start

    return start.start(spec)


def _start_harmlessly(spec: dict[str, Any]) -> Any:
    """The probe of a real training, or nobody where it can't be made: the training runs all the same."""
    try:
        return _start(spec)
    except Exception as error:
        _say(f"Could not begin ({type(error).__name__}: {error}); the script runs without us.")
        return types.SimpleNamespace(exited=lambda _: None, raised=lambda _: None, finish=lambda: None)


def _tell(what: Callable[..., None], *arguments: Any) -> None:
    """Whatever fails in the probe must not stand in the place of how the script ended."""
    try:
        what(*arguments)
    except Exception as error:
        _say(f"{type(error).__name__}: {error}")


def _say(text: str) -> None:
    _write(f"fitdoctor: {text}\n")


def _write(text: str) -> None:
    """On stderr, where there is one that takes it."""
    try:
        sys.stderr.write(text)
    except Exception:
        pass


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
    """Runs the target and returns what `sys.exit` should be given, or an error that was printed and must be raised, or
    `ENDED`.
    """
    try:
        if mode == "script":
            if os.path.isdir(target):
                sys.path[FIRST] = [target]  # with -P and -I too
                _become_main({})
                runpy._run_module_as_main("__main__", alter_argv=False)  # type: ignore[attr-defined]
            else:
                sys.path[FIRST] = [os.path.dirname(os.path.realpath(target))][FIRST]
                _run_file(target if os.path.isabs(target) else os.path.join(os.getcwd(), target))
        elif mode == "module":
            try:
                sys.path[FIRST] = [os.getcwd()][FIRST]
            except OSError:  # it is gone, which is no reason not to run
                sys.path[FIRST] = [""][FIRST]
            _become_main({})
            # What `python -m` itself calls: `run_module` would take the module away again before threads and exit
            # handlers end.
            runpy._run_module_as_main(target)  # type: ignore[attr-defined]
        else:
            sys.path[FIRST] = [""][FIRST]
            code = compile(target, "<string>", "exec", dont_inherit=True)
            exec(code, _become_main({"__loader__": importlib.machinery.BuiltinImporter}))
    except SystemExit as exit_:
        _tell(probe.exited, exit_)
        if not sys.flags.inspect:
            return exit_.code
        raised: BaseException = exit_  # an error like any other then
    except BaseException as error:
        _tell(probe.raised, error)
        raised = error
    else:
        return ENDED
    # Python calls the hook when nothing is handled any more: an error in there has no context.
    code = _print_as_python_would(raised)
    return raised if isinstance(raised, KeyboardInterrupt) or sys.flags.inspect else code


def _run_file(path: str) -> None:
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, path, "exec", dont_inherit=True)
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    exec(code, _become_main({"__file__": path, "__loader__": loader, "__cached__": None}))


def _become_main(attributes: dict[str, Any]) -> dict[str, Any]:
    """Puts a fresh `__main__` in place of this launcher, and returns its namespace."""
    module = types.ModuleType("__main__")
    module.__dict__.update(attributes, __builtins__=__builtins__, __annotations__={})
    sys.modules["__main__"] = module
    return module.__dict__


def _print_as_python_would(error: BaseException) -> Any:
    """Hands the error to the script's own hook, or Python's, without frames of fitdoctor's, and gives what Python then
    exits with.
    """
    _tell(_cut, error)
    _tell(_flush)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as exit_:
        return exit_.code
    except BaseException as another:
        failed = another
    else:
        return 1
    _tell(_cut, failed)
    _write("Error in sys.excepthook:\n")
    sys.__excepthook__(type(failed), failed, failed.__traceback__)
    _write("\nOriginal exception was:\n")
    sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def _flush() -> None:
    """What Python does behind a script: a stream that is closed, missing or broken shows later, in the exit code."""
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except Exception:
            pass


def _cut(error: BaseException) -> None:
    """Leaves frames of fitdoctor's out of an error's trace, and of those that led to it."""
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.__traceback__ = _without_ours(each.__traceback__)
        each = each.__cause__ or each.__context__


def _without_ours(trace: types.TracebackType | None) -> types.TracebackType | None:
    entries = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    kept = [entry for entry in entries if not _is_ours(entry.tb_frame)]
    if entries and _is_ours(entries[-1].tb_frame):
        called = _calling(entries[-1].tb_frame)
        if called is not None and not (kept and kept[-1].tb_frame is called):
            kept.append(types.TracebackType(None, called, called.f_lasti, called.f_lineno))
    for place, entry in enumerate(kept):
        entry.tb_next = kept[place + 1] if place + 1 < len(kept) else None
    return kept[0] if kept else None


def _calling(frame: types.FrameType | None) -> types.FrameType | None:
    """What called us where we came last.

    Keras leaves out all frames of its own but the last: ours stands where that one would.
    """
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: types.FrameType) -> bool:
    return os.path.abspath(frame.f_code.co_filename).startswith(HERE + os.sep)


if __name__ == "__main__":
    main()
