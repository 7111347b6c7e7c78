"""Files of the user named like modules of Python's library are never run by us."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from fitdoctor.cli import env
from fitdoctor.interpreter import ask
from fitdoctor.treating import environment

NAMES = ("json", "random", "copy", "platform", "typing", "email", "zipfile", "csv", "importlib", "click", "pynvml")
OLD = "import sys; sys.argv[:] = sys.argv[1:]; sys.path.insert(0, ''); exec(sys.argv[1], {'__name__': '__main__'})"


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that exists once any of the shadowing files was run."""
    (tmp_path / "here").mkdir()
    for name in NAMES:
        (tmp_path / "here" / f"{name}.py").write_text(
            f"open({str(tmp_path / 'trace')!r}, 'a').write({name!r})\nraise SystemExit(9)\n"
        )
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "trace"


@pytest.fixture
def before_safe_paths(tmp_path: Path) -> str:
    """An interpreter that always puts the current directory on the path, as Python 3.10 does."""
    path = tmp_path / "python3.10"
    path.write_text(f'#!/bin/sh\nshift\nexec {sys.executable} -c "{OLD}" "" "$@"\n')
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("named", [None, ".", ""])
def test_questions_to_an_interpreter_do_not_import_shadowing_files(
    trace: Path, before_safe_paths: str, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    if named is not None:
        monkeypatch.setenv(
            "PYTHONPATH", os.pathsep.join(filter(None, [named, os.environ.get("PYTHONPATH", "")])) or named
        )
    for python in (sys.executable, before_safe_paths):
        asked: list[Callable[[str], object]] = [environment.installed_versions, env._packages]
        for question in asked:
            assert question(python)
    assert not trace.exists()
    subprocess.run([before_safe_paths, "-c", "import json"], check=False)
    assert trace.read_text() == "json"  # without protection they are run


def test_packages_on_the_python_path_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine/keras-0.0.1.dist-info").mkdir(parents=True)
    (tmp_path / "mine/keras-0.0.1.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: keras\nVersion: 0.0.1\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "mine")
    assert environment.installed_versions(sys.executable)["keras"] == "0.0.1"
    assert env._packages(sys.executable)["packages"]["keras"] == "0.0.1"
    assert ask(sys.executable, "print(version('no-such-package'))", patience_s=60.0) == "None\n"


@pytest.mark.parametrize("command", ["--version", "env"])
def test_our_own_process_does_not_import_shadowing_files(trace: Path, command: str) -> None:
    Path("importlib.py").unlink()  # Python itself imports it before our code
    ended = subprocess.run([sys.executable, "-m", "fitdoctor", command], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert not trace.exists()
