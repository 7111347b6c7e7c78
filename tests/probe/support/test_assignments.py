"""The line that made an argument of a call is found."""

from __future__ import annotations

import ast
from typing import Any

import pytest

from fitdoctor.probe.support import assignments

SCRIPT = """\
import numpy as np
x = np.load("a.npy")
x = x / 2
def train(x):
    x, y = split(x)
    for part in x:
        model.fit(x, y)
class Later:
    x = 5
model.fit(x, y)
x = None
"""


@pytest.mark.parametrize(("line", "found"), [(10, 3), (7, 5), (3, 2), (12, 11)])
def test_the_last_assignment_in_the_same_scope_counts(line: int, found: int) -> None:
    assert assignments.last_assignment(ast.parse(SCRIPT), "x", line) == found


def test_a_parameter_is_searched_outside_of_the_function() -> None:
    tree = ast.parse("x = 1\ndef train(x):\n    model.fit(x)\n")
    assert assignments.last_assignment(tree, "x", 3) == 1


def test_a_name_without_an_assignment_is_not_found() -> None:
    assert assignments.last_assignment(ast.parse(SCRIPT), "frame", 10) is None


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("x", "x"),
        ("frame[columns].values", "frame"),
        ("x.astype('float32')", "x"),
        ("np.array(x)", "np"),
        ("load()", ""),
        ("[a, b]", ""),
    ],
)
def test_the_variable_behind_an_expression(expression: str, name: str) -> None:
    assert assignments.root(ast.parse(expression, mode="eval").body) == name


def test_the_users_own_call_is_read() -> None:
    library: dict[str, Any] = {"find": assignments.argument}
    exec(compile("def fit(x, y=None):\n    return find('x', 0)", "/a/site-packages/library.py", "exec"), library)
    fit = library["fit"]
    data = [1]
    data = [*data, 2]
    found = fit(data)
    by_keyword = fit(
        y=None,
        x=data,
    )
    assert found is not None
    assert found == by_keyword
    assert found.code == "data = [*data, 2]"
    assert fit([1]) is None
