"""Calls are located in the user's code.

The scripts are compiled from files of the test's own, as a user's would be.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fitdoctor.probe.support import call_sites
from fitdoctor.recording.model import Site

Found = dict[str, Site]


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], Found]:
    """Runs a script in which `here("name", …)` notes the site that it is called from."""

    def run_script(source: str) -> Found:
        path = tmp_path / "train.py"
        path.write_text(source, encoding="utf-8")
        found: Found = {}

        def here(name: str, *values: Any, **keywords: Any) -> Callable[..., Any]:
            site = call_sites.of_frame(sys._getframe(1))
            found[name] = site

            def again(name: str, **keywords: Any) -> None:
                found[name] = call_sites.of_frame(sys._getframe(1))

            return again

        class Model:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                def method(*values: Any, **keywords: Any) -> Model:
                    found[name] = call_sites.of_frame(sys._getframe(1))
                    return self

                return method

        exec(compile(source, str(path), "exec"), {"here": here, "model": Model(), "__name__": "__main__"})
        return found

    return run_script


def test_a_call_on_one_line(run: Callable[[str], Found], tmp_path: Path) -> None:
    site = run("x = 1\nhere('a')\n")["a"]
    assert site == Site(file=str(tmp_path / "train.py"), line=2, function="<module>", code="here('a')")


def test_keywords_have_lines_of_their_own(run: Callable[[str], Found]) -> None:
    site = run(
        "model.compile(\n    optimizer='adam',\n    run_eagerly=(\n        True\n    ),\n    **{'loss': 'mse'},\n)\n"
    )["compile"]
    assert (site.line, site.code) == (1, "model.compile(")
    assert site.arguments == {"optimizer": 2, "run_eagerly": 4}


def test_each_call_of_a_chain_has_the_line_of_its_name(run: Callable[[str], Found]) -> None:
    source = "data = (\n    model\n    .shuffle(10)\n    .map(\n        len,\n        num_parallel_calls=2,\n    )\n"
    found = run(source + "    .batch(32).prefetch(1)\n)\n")
    assert {name: site.line for name, site in found.items()} == {"shuffle": 3, "map": 4, "batch": 8, "prefetch": 8}
    assert found["map"].arguments == {"num_parallel_calls": 6}
    assert found["map"].code == ".map("


def test_calls_within_calls(run: Callable[[str], Found]) -> None:
    found = run(
        "here(\n    'outer',\n    a=here(\n        'inner', b=1,\n    ),\n)\nhere('made')(\n    'called', c=3,\n)\n"
    )
    assert (found["inner"].line, found["inner"].arguments) == (3, {"b": 4})
    assert (found["outer"].line, found["outer"].arguments) == (1, {"a": 3})
    assert (found["made"].line, found["called"].line) == (7, 7)


def test_a_call_in_a_function_a_method_and_a_comprehension(run: Callable[[str], Found]) -> None:
    found = run(
        "def train():\n    here('function')\nclass Job:\n    def run(self):\n        here('method')\n"
        "train()\nJob().run()\nany(here('generator') is None for _ in [1])\n"
    )
    assert {name: (site.line, site.function) for name, site in found.items()} == {
        "function": (2, "train"),
        "method": (5, "run"),
        "generator": (8, "<genexpr>"),
    }


def test_equal_code_at_other_lines_is_another_site(run: Callable[[str], Found]) -> None:
    found = run("def twice():\n    here('one'); here('two')\n    here('three')\ntwice()\n")
    assert [found[name].line for name in ("one", "two", "three")] == [2, 2, 3]


def test_a_decorator_and_a_line_that_is_continued(run: Callable[[str], Found]) -> None:
    found = run("@here('with')\ndef f():\n    pass\n\nx = 1 + \\\n    (here('continued') is None)\n")
    assert (found["with"].line, found["continued"].line) == (1, 6)


def test_characters_of_several_bytes(run: Callable[[str], Found]) -> None:
    site = run("été = 'é'; here('a', é=été,\n     run=1)\n")["a"]
    assert site.arguments == {"é": 1, "run": 2}


def test_code_without_a_file() -> None:
    found: list[Site] = []
    source = "x = 1\nnote(\n  x=1)\n"
    exec(compile(source, "<string>", "exec"), {"note": lambda x: found.append(call_sites.of_frame(sys._getframe(1)))})
    assert (found[0].file, found[0].line, found[0].code) == ("<string>", 2, "")


def test_a_file_that_is_missing_or_has_errors(tmp_path: Path) -> None:
    for name, text in (("gone.py", None), ("broken.py", "note(x=1) ((\n")):
        path = tmp_path / name
        if text is not None:
            path.write_text(text)
        found: list[Site] = []
        exec(
            compile("note(x=1)", str(path), "exec"),
            {"note": lambda x, found=found: found.append(call_sites.of_frame(sys._getframe(1)))},
        )
        assert (found[0].file, found[0].line) == (str(path), 1)


def test_the_users_frame_is_found_below_a_librarys(tmp_path: Path) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    source = "def call(function):\n    return function()\n"
    space: dict[str, Any] = {}
    exec(compile(source, str(folder / "library.py"), "exec"), space)
    user: dict[str, Any] = {"call": space["call"], "find": call_sites.find}
    path = tmp_path / "train.py"
    path.write_text("def train():\n    return call(find)\n")
    exec(compile(path.read_text(), str(path), "exec"), user)
    site = user["train"]()
    assert (site.file, site.line, site.function) == (str(path), 2, "train")


@pytest.mark.parametrize(
    ("file", "users"),
    [
        ("/home/ann/train.py", True),
        ("train.py", True),
        ("<string>", True),
        ("<stdin>", True),
        ("<python-input-3>", True),
        ("<ipython-input-3-0123456789ab>", True),
        ("/tmp/ipykernel_4711/123456789.py", True),
        ("<frozen runpy>", False),
        ("/home/ann/.venv/lib/python3.12/site-packages/keras/src/models.py", False),
        ("/usr/lib/python3/dist-packages/numpy/core.py", False),
        ("/tmp/__autograph_generated_filepi4jo5t9.py", False),
        (json.__file__, False),
        (pytest.__file__, False),
        (call_sites.__file__, False),
        (__file__, True),
    ],
)
def test_a_file_is_the_users_or_not(file: str, users: bool) -> None:
    assert call_sites.is_users(file) is users


@pytest.mark.parametrize("file", ["<ipython-input-3-0123456789ab>", "/tmp/ipykernel_4711/123456789.py"])
def test_a_cell_has_the_number_of_the_notebook(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call_sites.shown(file) == file  # no notebook in sight
    compiler = SimpleNamespace(format_code_name=lambda name: ("Cell", "In[3]") if name == file else None)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(compile=compiler)))  # type: ignore[arg-type]
    assert call_sites.shown(file) == "Cell In[3]"
    assert call_sites.shown("train.py") == str(Path("train.py").absolute())
    assert call_sites.shown("<stdin>") == "<stdin>"


def test_a_function_has_the_line_of_its_definition() -> None:
    site = call_sites.of_function(test_a_function_has_the_line_of_its_definition)
    assert site is not None
    assert (site.function, site.code) == (
        "test_a_function_has_the_line_of_its_definition",
        "def test_a_function_has_the_line_of_its_definition() -> None:",
    )
    assert call_sites.of_function(json.dumps) is None
    assert call_sites.of_function(len) is None
    assert call_sites.of_function(None) is None


MADE = """\
class Base:
    def __init__(self, *more):
        found["made"] = of_object(self)

class Mine(Base):
    def __init__(self, rows):
        def later():
            return self
        super().__init__()

def factory():
    return Mine(
        rows=3,
    )

factory()
"""


def test_an_object_is_made_where_its_class_is_called(tmp_path: Path) -> None:
    path, found = tmp_path / "train.py", dict[str, Any]()
    path.write_text(MADE, encoding="utf-8")
    exec(compile(MADE, str(path), "exec"), {"of_object": call_sites.of_object, "found": found, "__name__": "__main__"})
    assert (found["made"].line, found["made"].function, found["made"].arguments) == (12, "factory", {"rows": 13})


@pytest.mark.parametrize(
    ("calls", "line"), [("Mine(1)\n", 4), ("\nx.Mine(rows=1)\n", 5), ("Mine(1), Mine(2)\n", None), ("", None)]
)
def test_the_only_call_of_a_class_is_found_in_the_source(tmp_path: Path, calls: str, line: int | None) -> None:
    path, found = tmp_path / "train.py", dict[str, Any]()
    source = (
        "class Mine:\n    def __init__(self, rows): ...\nx = SimpleNamespace(Mine=Mine)\n"
        + (calls or "\n")
        + "found['call'] = of_only_call(Mine)\n"
    )
    path.write_text(source, encoding="utf-8")
    names = {
        "of_only_call": call_sites.of_only_call,
        "found": found,
        "SimpleNamespace": SimpleNamespace,
        "__name__": "nowhere",
    }
    exec(compile(source, str(path), "exec"), names)
    assert (found["call"] and found["call"].line) == line
