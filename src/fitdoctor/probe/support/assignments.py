"""Finds the line that made an argument of a call: the last assignment of the variable that was passed."""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Iterator

from fitdoctor.probe.support import call_sites
from fitdoctor.recording.model import Site

Function = ast.FunctionDef | ast.AsyncFunctionDef


def argument(name: str, position: int) -> Site | None:
    """The last assignment of the variable that the user's call, on this thread's stack, passes as an argument.

    Args:
        name: The argument's keyword.
        position: Its position among the positional arguments.
    """
    frame = next(call_sites.frames(sys._getframe(1)), None)
    call = call_sites.call_of(frame) if frame is not None else None
    if frame is None or call is None:
        return None
    file = frame.f_code.co_filename
    passed = next((keyword.value for keyword in call.keywords if keyword.arg == name), None)
    if passed is None and len(call.args) > position:
        passed = call.args[position]
    variable = root(passed)
    if not variable:
        return None
    try:
        tree = ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None
    line = last_assignment(tree, variable, call.lineno)
    if line is None:
        return None
    return Site(
        file=call_sites.shown(file),
        line=line,
        function=frame.f_code.co_name,
        code=linecache.getline(file, line).strip(),
    )


def root(expression: ast.expr | None) -> str:
    """The variable that an expression takes its data from, or an empty string.

    Example:
        >>> root(ast.parse("frame[columns].values", mode="eval").body)
        'frame'
    """
    while isinstance(expression, ast.Attribute | ast.Subscript | ast.Starred | ast.Call):
        if isinstance(expression, ast.Call):
            expression = expression.func if isinstance(expression.func, ast.Attribute) else None
        else:
            expression = expression.value
    return expression.id if isinstance(expression, ast.Name) else ""


def last_assignment(tree: ast.Module, variable: str, line: int) -> int | None:
    r"""The last assignment of a variable before `line`, in the function around that line or else in the module.

    Example:
        >>> last_assignment(ast.parse("x = load()\nx = x / 2\nmodel.fit(x)"), "x", 3)
        2
    """
    around = [
        node for node in ast.walk(tree) if isinstance(node, Function) and node.lineno < line <= (node.end_lineno or 0)
    ]
    for scope in (*sorted(around, key=lambda node: -node.lineno), tree):
        lines = [at for at in _assignments(scope, variable) if at < line]
        if lines:
            return max(lines)
    return None


def _assignments(scope: ast.AST, variable: str) -> Iterator[int]:
    """The lines of a scope that assign a variable, without functions and classes inside: they are other scopes."""
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, Function | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(node, ast.Name) and node.id == variable and isinstance(node.ctx, ast.Store):
            yield node.lineno
        yield from _assignments(node, variable)
