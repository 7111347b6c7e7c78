"""Runs a script, a module or a line of code exactly as `python` would, with a probe inside.

It is started by its path (`python …/fitdoctor/launch.py SPEC`), so fitdoctor need not be installed in the environment
of the script. Only this package becomes importable, and `sys.path` is what it would be without us. SPEC is a JSON file,
see `Probe`.
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
# The entry of `sys.path` with the folder of this launcher, which the script's own replaces. Empty with -P and -I.
FIRST = slice(0 if getattr(sys.flags, "safe_path", False) or sys.flags.isolated else 1)
# The result of a script that has run to its end.
ENDED = object()
HERE = os.path.dirname(os.path.abspath(__file__))


def main() -> None:
    """Reads the specification, starts the probe, and runs the user's program."""
    with open(sys.argv[1], encoding="utf-8") as file:
        spec: dict[str, Any] = json.load(file)
    spec["path"] = os.path.abspath(sys.argv[1])
    spec["arguments"] += sys.argv[2:]  # if the script restarts its own command line with more arguments
    if spec["role"] in ("watch", "treat"):
        probe = _start_harmlessly(spec)
    else:
        _end_with_parent()
        probe = _start(spec)
    _report(_hide_launcher, spec)
    sys.argv = [
        spec["target"] if spec["mode"] == "script" else "-m" if spec["mode"] == "module" else "-c",
        *spec["arguments"],
    ]
    code = _run(spec["mode"], spec["target"], probe)
    _report(probe.finish)
    if code is ENDED:  # Python continues as after a script: with PYTHONINSPECT, `sys.exit` would be an error
        return
    if isinstance(code, BaseException):
        _silence_excepthook()
        raise code
    sys.exit(code)


def _silence_excepthook() -> None:
    """Keeps Python from printing the next error, which was printed already.

    Python then handles it as an error of its own: after an interrupt, it ends by that signal.
    """
    hook = sys.excepthook

    def silent(*_: Any) -> None:
        sys.excepthook = hook

    sys.excepthook = silent


def _hide_launcher(spec: dict[str, Any]) -> None:
    """Restores `sys.orig_argv`, which scripts use to restart themselves."""
    flag = {"module": ["-m"], "code": ["-c"]}.get(spec["mode"], [])
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[len(sys.orig_argv) - len(sys.argv) :] = [*flag, spec["target"], *spec["arguments"]]


def _start(spec: dict[str, Any]) -> Any:
    _make_importable()
    from fitdoctor.probe.roles import start

    return start.start(spec)


def _start_harmlessly(spec: dict[str, Any]) -> Any:
    """The probe of a real training. If it can't start, the training runs without it."""
    try:
        return _start(spec)
    except Exception as error:
        _say(f"Could not start ({type(error).__name__}: {error}); the script runs without fitdoctor.")
        return types.SimpleNamespace(exited=lambda _: None, raised=lambda _: None, finish=lambda: None)


def _report(what: Callable[..., None], *arguments: Any) -> None:
    """Calls the probe. A failure there must not replace the ending of the script."""
    try:
        what(*arguments)
    except Exception as error:
        _say(f"{type(error).__name__}: {error}")


def _say(text: str) -> None:
    _write(f"fitdoctor: {text}\n")


def _write(text: str) -> None:
    """Writes to stderr, if there is one."""
    try:
        sys.stderr.write(text)
    except Exception:
        pass


def _end_with_parent() -> None:
    """Asks Linux to end this process when its parent has ended."""
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
    """Runs the target.

    Returns:
        `ENDED`, the argument for `sys.exit`, or an error that was printed and must be raised.
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
            except OSError:  # it does not exist any more
                sys.path[FIRST] = [""][FIRST]
            _become_main({})
            # `python -m` calls this too. `run_module` would remove the module before threads and exit handlers end.
            runpy._run_module_as_main(target)  # type: ignore[attr-defined]
        else:
            sys.path[FIRST] = [""][FIRST]
            code = compile(target, "<string>", "exec", dont_inherit=True)
            exec(code, _become_main({"__loader__": importlib.machinery.BuiltinImporter}))
    except SystemExit as exit_:
        _report(probe.exited, exit_)
        if not sys.flags.inspect:
            return exit_.code
        raised: BaseException = exit_  # with -i, Python handles it like any other error
    except BaseException as error:
        _report(probe.raised, error)
        raised = error
    else:
        return ENDED
    # Outside of the handler, as in Python: an error in the hook has no context.
    code = _print_as_python_would(raised)
    return raised if isinstance(raised, KeyboardInterrupt) or sys.flags.inspect else code


def _run_file(path: str) -> None:
    with open(path, "rb") as file:
        source = file.read()
    code = compile(source, path, "exec", dont_inherit=True)
    loader = importlib.machinery.SourceFileLoader("__main__", path)
    exec(code, _become_main({"__file__": path, "__loader__": loader, "__cached__": None}))


def _become_main(attributes: dict[str, Any]) -> dict[str, Any]:
    """Replaces the module `__main__` of this launcher by a new one, and returns its namespace."""
    module = types.ModuleType("__main__")
    module.__dict__.update(attributes, __builtins__=__builtins__, __annotations__={})
    sys.modules["__main__"] = module
    return module.__dict__


def _print_as_python_would(error: BaseException) -> Any:
    """Passes an error to `sys.excepthook`, without frames of ours, and gives the exit code that follows."""
    _report(_remove_our_frames, error)
    _report(_flush)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    try:
        sys.excepthook(type(error), error, error.__traceback__)
    except SystemExit as exit_:
        return exit_.code
    except BaseException as another:
        failed = another
    else:
        return 1
    _report(_remove_our_frames, failed)
    _write("Error in sys.excepthook:\n")
    sys.__excepthook__(type(failed), failed, failed.__traceback__)
    _write("\nOriginal exception was:\n")
    sys.__excepthook__(type(error), error, error.__traceback__)
    return 1


def _flush() -> None:
    """Flushes the streams, as Python does after a script. A broken stream shows later, in the exit code."""
    for stream in (sys.stderr, sys.stdout):
        try:
            stream.flush()
        except Exception:
            pass


def _remove_our_frames(error: BaseException) -> None:
    """Removes frames of ours from the traceback of an error, and of those that led to it."""
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
    """The frame that called our innermost code.

    Keras removes all frames of its own except the last one. Our frame is in the place of that one.
    """
    while frame is not None and _is_ours(frame):
        frame = frame.f_back
    return frame


def _is_ours(frame: types.FrameType) -> bool:
    return os.path.abspath(frame.f_code.co_filename).startswith(HERE + os.sep)


if __name__ == "__main__":
    main()
