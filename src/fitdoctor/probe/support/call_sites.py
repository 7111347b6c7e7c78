"""Finds the place in the user's code that a call comes from."""

from __future__ import annotations

import ast
import linecache
import os
import site
import sys
import sysconfig
from collections.abc import Iterator
from types import CodeType, FrameType
from typing import Any

from fitdoctor.probe.support.our_files import PACKAGE
from fitdoctor.recording.model import Site

# File names, or their beginnings, of code that was typed at a prompt or passed with -c.
TYPED = ("<string>", "<stdin>", "<console>", "<ipython-input", "<python-input")
# The beginning of the names of temporary files to which TensorFlow writes the functions that it rewrites.
GENERATED = "__autograph_generated_file"


def _library_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    folders = [paths[name] for name in ("stdlib", "platstdlib", "purelib", "platlib") if name in paths]
    folders += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    folders.append(site.getusersitepackages())
    return tuple({os.path.abspath(folder) + os.sep for folder in folders})


_LIBRARIES = _library_folders()
_users: dict[str, bool] = {}
_sites: dict[tuple[str, CodeType, int], Site] = {}
_calls: dict[str, dict[tuple[int, int], ast.Call]] = {}


def is_users(file: str) -> bool:
    """Whether a file is the user's own: not the standard library, an installed package, or fitdoctor."""
    known = _users.get(file)
    if known is None:
        path = os.path.abspath(file)
        parts = path.split(os.sep)
        known = _users[file] = file.startswith(TYPED) or not (
            file.startswith("<")
            or path.startswith((*_LIBRARIES, PACKAGE))
            or "site-packages" in parts
            or "dist-packages" in parts
            or parts[-1].startswith(GENERATED)
        )
    return known


def shown(file: str) -> str:
    """The name of a file in reports: its whole path, or the number of a notebook's cell."""
    if file.startswith("<ipython-input") or f"{os.sep}ipykernel_" in file:
        try:
            return " ".join(sys.modules["IPython"].get_ipython().compile.format_code_name(file))
        except (AttributeError, KeyError, TypeError):  # an unknown IPython
            return file
    return file if file.startswith("<") else os.path.abspath(file)


def frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The user's frames, from the innermost outwards."""
    while frame is not None:
        if is_users(frame.f_code.co_filename):
            yield frame
        frame = frame.f_back


def find() -> Site | None:
    """The place of the innermost user's frame on this thread's stack, or None."""
    for frame in frames(sys._getframe(1)):
        return of_frame(frame)
    return None


def of_object(made: Any) -> Site | None:
    """Where the user's code makes an object, while its `__init__` runs. Methods of the object itself are skipped."""
    return next((of_frame(frame) for frame in frames(sys._getframe(1)) if not _is_method_of(made, frame)), None)


def _is_method_of(thing: Any, frame: FrameType) -> bool:
    code = frame.f_code
    return code.co_argcount > 0 and frame.f_locals.get(code.co_varnames[0]) is thing


def of_only_call(cls: type) -> Site | None:
    """The only call of a class by its name, or None if there are several.

    Calls are searched in the files on this thread's stack and in the file of the class.
    """
    files = dict.fromkeys(frame.f_code.co_filename for frame in frames(sys._getframe(1)))
    defined_in = getattr(sys.modules.get(cls.__module__), "__file__", None)
    if defined_in and is_users(defined_in):
        files[defined_in] = None
    named = [(file, call) for file in files for call in _calls_of(file).values() if _name_of(call.func) == cls.__name__]
    if len(named) != 1:
        return None
    ((file, call),) = named
    return _of_call(file, call, "<module>")


def _name_of(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def is_from_users() -> bool:
    """Whether the user's code makes this call, directly or through the standard library."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        file = frame.f_code.co_filename
        if is_users(file):
            return True
        parts = file.split(os.sep)
        if "site-packages" in parts or "dist-packages" in parts:
            return False
        frame = frame.f_back
    return False


def of_frame(frame: FrameType) -> Site:
    """The place of the call that a frame executes."""
    # Code objects of two files are equal if their lines are equal.
    key = (frame.f_code.co_filename, frame.f_code, frame.f_lasti)
    known = _sites.get(key)
    if known is None:
        known = _sites[key] = _locate(frame.f_code, frame.f_lasti, frame.f_lineno)
    return known


def of_function(function: Any) -> Site | None:
    """Where a user's function is defined, or None for anything else."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return of_code(code) if code is not None else None


def of_code(code: CodeType) -> Site | None:
    """Where a user's code object begins, or None for anything else."""
    if not is_users(code.co_filename):
        return None
    return Site(
        file=shown(code.co_filename),
        line=code.co_firstlineno,
        function=code.co_name,
        code=linecache.getline(code.co_filename, code.co_firstlineno).strip(),
    )


def of_line(file: str, line: int, function: str) -> Site:
    """The place of a line of a function."""
    return Site(file=shown(file), line=line, function=function, code=linecache.getline(file, line).strip())


def _locate(code: CodeType, last: int, line: int) -> Site:
    call = _call_at(code, last)
    return (
        of_line(code.co_filename, line, code.co_name)
        if call is None
        else _of_call(code.co_filename, call, code.co_name)
    )


def _of_call(file: str, call: ast.Call, function: str) -> Site:
    site = of_line(file, call.func.end_lineno or call.lineno, function)
    site.arguments.update({keyword.arg: keyword.value.lineno for keyword in call.keywords if keyword.arg})
    return site


def call_of(frame: FrameType) -> ast.Call | None:
    """The call in the source that a frame executes, or None for another expression."""
    return _call_at(frame.f_code, frame.f_lasti)


def _call_at(code: CodeType, last: int) -> ast.Call | None:
    positions = list(code.co_positions())
    if not 0 <= last // 2 < len(positions):
        return None
    _, end_line, _, end_column = positions[last // 2]
    if end_line is None or end_column is None:
        return None
    return _calls_of(code.co_filename).get((end_line, end_column))


def _calls_of(file: str) -> dict[tuple[int, int], ast.Call]:
    """The calls of a file by their ends. Two calls may begin, but never end, at the same place."""
    if file not in _calls:
        calls: dict[tuple[int, int], ast.Call] = {}
        try:
            tree = ast.parse("".join(linecache.getlines(file)))
        except (SyntaxError, ValueError):
            tree = ast.Module(body=[], type_ignores=[])
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.end_lineno is not None and node.end_col_offset is not None:
                calls[node.end_lineno, node.end_col_offset] = node
        _calls[file] = calls
    return _calls[file]
