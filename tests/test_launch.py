"""A script finds the same environment under the launcher as under plain Python."""

from __future__ import annotations

import subprocess

import pytest

from tests.support.projects import Project

SELF = """\
'''A script that looks at itself.'''
import sys
print(__name__, __doc__, __file__, __spec__ and __spec__.name, __package__, sys.argv, type(__builtins__).__name__)
print(sys.path, sorted(vars(sys.modules["__main__"])), sys.modules["__main__"].__dict__ is globals())
"""
SHUTDOWN = """\
import atexit, sys, threading, time
def late():
    time.sleep(0.1)
    print("thread", sys.modules["__main__"].__dict__ is globals())
class Thing:
    def __del__(self):
        print("deleted", flush=True)
thing = Thing()
atexit.register(print, "first registered")
atexit.register(lambda: print("last registered", sys.modules["__main__"].thing is thing))
threading.Thread(target=late).start()
print("end of script")
"""
SPAWN = """\
import multiprocessing as mp
def double(x):
    return 2 * x
if __name__ == "__main__":
    with mp.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]))
"""
ENDINGS = {
    "falls off the end": "print('done')",
    "exit": "import sys; sys.exit()",
    "exit with a number": "import sys; sys.exit(3)",
    "exit with words": "import sys; sys.exit('no data')",
    "exit in a function": "def f():\n    raise SystemExit(4)\nf()",
    "error": "def f():\n    return 1 / 0\n\nf()",
    "error with a cause": "try:\n    {}['a']\nexcept KeyError as error:\n    raise ValueError('bad') from error",
    "group": "raise ExceptionGroup('two', [ValueError('a'), TypeError('b')])",
    "syntax": "x = (\n",
    "hook of its own": "import sys\nsys.excepthook = lambda *error: print('mine', error[0].__name__)\nraise KeyError",
    "interrupt": "import atexit\natexit.register(print, 'late')\nraise KeyboardInterrupt",
    "library that fails": "import json\njson.loads('{')",
    "output not flushed": "import sys\nsys.stdout.write('no newline')\nraise OSError('disk')",
}


def outcome(done: subprocess.CompletedProcess[str]) -> tuple[int, str, str]:
    return done.returncode, done.stdout, done.stderr


def same(user: Project, target: str, *arguments: str, mode: str = "script") -> subprocess.CompletedProcess[str]:
    launched = user.launch(target, *arguments, mode=mode)
    assert outcome(launched) == outcome(user.python(target, *arguments, mode=mode))
    return launched


def test_code_does_not_inherit_our_future_imports(user: Project) -> None:
    assert "<class 'int'>" in same(user, "def f(x: int): pass\nprint(f.__annotations__)", mode="code").stdout


@pytest.mark.parametrize("target", ["train.py", "./train.py", "sub/../train.py"])
def test_a_script_sees_itself(user: Project, target: str) -> None:
    user.write(train=SELF)
    (user.folder / "sub").mkdir()
    assert same(user, target, "--epochs", "3", "").returncode == 0


def test_a_link_to_a_script_imports_from_the_folder_of_the_real_one(user: Project) -> None:
    (user.folder / "real").mkdir()
    (user.folder / "real" / "train.py").write_text(SELF + "import helper\n")
    (user.folder / "real" / "helper.py").write_text("print('helped')")
    (user.folder / "train.py").symlink_to("real/train.py")
    assert "helped" in same(user, "train.py").stdout


def test_a_module_sees_itself_and_its_package(user: Project) -> None:
    package = user.folder / "pkg"
    package.mkdir()
    (package / "__init__.py").write_text("import sys\nprint('package', sys.argv)")
    (package / "helper.py").write_text("value = 3")
    (package / "train.py").write_text(SELF + "from .helper import value\nprint(value)\n" + SHUTDOWN)
    (package / "__main__.py").write_text("from . import helper\nprint(__spec__.name, helper.value)")
    assert same(user, "pkg.train", "-m", "x", mode="module").stdout.count("package [") == 1
    same(user, "pkg", mode="module")


def test_a_missing_module(user: Project) -> None:
    launched = user.launch("nowhere.train", mode="module")
    plain = user.python("nowhere.train", mode="module")
    assert outcome(launched) == outcome(plain)


def test_code_sees_itself(user: Project) -> None:
    user.write(helper="print('helped')")
    same(user, "import sys, helper\nprint(__name__, sys.argv, sys.path, '__file__' in globals())", "a", mode="code")


@pytest.mark.parametrize("source", ENDINGS.values(), ids=ENDINGS.keys())
def test_endings(user: Project, source: str) -> None:
    user.write(train_with_runpy=source)
    same(user, "train_with_runpy.py")


@pytest.mark.parametrize("source", ENDINGS.values(), ids=ENDINGS.keys())
def test_endings_with_pythoninspect(user: Project, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    monkeypatch.setenv("PYTHONINSPECT", "1")
    user.write(train=source)
    same(user, "train.py")


def test_an_error_in_a_module_and_in_code(user: Project) -> None:
    user.write(train="def f():\n    return 1 / 0\nf()")
    assert same(user, "train", mode="module").returncode == 1
    assert same(user, "import train", mode="code").returncode == 1


def test_exit_handlers_and_threads_run_after_the_script(user: Project) -> None:
    user.write(train=SHUTDOWN)
    assert same(user, "train.py").stdout.splitlines()[-1] == "deleted"


@pytest.mark.parametrize("mode", ["script", "module"])
def test_spawned_processes_find_the_script(user: Project, mode: str) -> None:
    user.write(train=SPAWN)
    assert "[2, 4]" in same(user, "train.py" if mode == "script" else "train", mode=mode).stdout


def test_an_encoding_that_the_script_declares(user: Project) -> None:
    (user.folder / "train.py").write_bytes("# -*- coding: latin-1 -*-\nprint('é')".encode("latin-1"))
    assert same(user, "train.py").stdout == "é\n"


@pytest.mark.parametrize("role", ["scout", "rehearsal", "treat"])
def test_nothing_is_imported_that_a_script_configures_before(user: Project, role: str) -> None:
    user.write(
        train="import sys\n"
        "print(sorted({'numpy', 'tensorflow', 'keras', 'msgspec', 'scipy', 'psutil'} & set(sys.modules)))"
    )
    target = {"kind": "fit", "file": "x.py", "line": 1}
    done = user.launch("train.py", role=role, site=target, commands=0, replies=1, treatments=[])
    assert done.stdout.splitlines()[0] == "[]", done.stderr


@pytest.mark.parametrize(
    ("source", "how", "code", "line"),
    [
        ("print(1)", "finished", 0, None),
        ("import sys\n\nsys.exit(2)", "exit", 2, 3),
        ("x = 1\nraise RuntimeError('no data')", "exception", None, 2),
    ],
)
def test_the_record_has_the_ending_of_the_script(
    user: Project, source: str, how: str, code: int | None, line: int | None
) -> None:
    user.write(train=source)
    user.launch("train.py")
    ending = user.record().ending
    assert (ending.how, ending.code, ending.site.line if ending.site else None) == (how, code, line)


def test_the_parts_of_a_run_without_keras_add_up(user: Project) -> None:
    user.write(train="import time\ntime.sleep(0.2)")
    user.launch("train.py")
    record = user.record()
    assert record.wall_s == pytest.approx(sum(record.parts.values()))
    assert record.wall_s >= 0.2


def test_a_script_over_its_limit_is_ended_at_its_current_line(user: Project) -> None:
    user.write(train="import time\n\ntime.sleep(60)")
    done = user.launch("train.py", limit_s=0.1, hard_limit_s=0.5)
    ending = user.record().ending
    assert (done.returncode, ending.how) == (75, "limit")
    assert ending.site is not None
    assert (ending.site.line, ending.site.code) == (3, "time.sleep(60)")
