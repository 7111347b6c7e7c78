"""`fitdoctor diagnose RUN` goes on from a recorded run: the same script, started as it was then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from fitdoctor.recording.folder import create
from fitdoctor.recording.model import ProcessRecord, Run
from fitdoctor.recording.signature import save_signed
from tests.cli.conftest import FakeSession

Call = Callable[..., Result]


def saved(project: Path, **changed: Any) -> str:
    values: dict[str, Any] = {
        "fitdoctor": "0.1.0",
        "script": "train.py",
        "target": "train.py",
        "argv": ["--epochs", "3"],
        "python": sys.executable,
        "cwd": str(project),
        "watched": ProcessRecord(wall_s=12.0),
    }
    folder = create("train", parent=project)
    save_signed(Run(**{**values, **changed}), folder.run_file)
    return str(folder.path)


def test_the_script_is_diagnosed_as_it_was_started(
    call: Call, session: FakeSession, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = saved(project)
    directories = []
    session.does = lambda request, progress: directories.append(Path.cwd())
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    result = call("diagnose", "--budget", "9", run)
    assert result.exit_code == 0
    (request,) = session.requests
    assert (request.target, request.arguments, request.mode, request.budget_s) == (
        "train.py",
        ("--epochs", "3"),
        "script",
        9.0,
    )
    assert request.watched is not None
    assert request.watched.wall_s == 12.0
    assert directories == [project]
    assert Path.cwd() == elsewhere
    assert request.folder.path.parent == elsewhere / ".fitdoctor"


def test_a_run_of_code_can_be_continued(call: Call, session: FakeSession, project: Path) -> None:
    assert call("diagnose", saved(project, mode="code", script="-c", target="print(1)", argv=[])).exit_code == 0
    assert (session.requests[0].target, session.requests[0].mode) == ("print(1)", "code")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"target": "gone.py"}, "which is gone. Diagnose the script where it is now"),
        ({"cwd": "/nowhere/at/all"}, "was made in /nowhere/at/all, which is gone"),
        ({"target": ""}, "without the command of its script"),
        ({"bundled": True}, "a bundle: the script is not in it"),
    ],
)
def test_a_run_that_can_not_be_continued_gets_a_message(
    call: Call, session: FakeSession, project: Path, changed: dict[str, Any], message: str
) -> None:
    result = call("diagnose", saved(project, **changed))
    assert result.exit_code == 2
    assert message in result.stderr
    assert session.requests == []


def test_a_run_has_its_own_arguments(call: Call, session: FakeSession, project: Path) -> None:
    result = call("diagnose", saved(project), "--epochs", "9")
    assert result.exit_code == 2
    assert "Received “--epochs 9” behind the run" in result.stderr


def test_a_folder_without_a_run_gets_a_message(call: Call, session: FakeSession, project: Path) -> None:
    result = call("diagnose", ".")
    assert result.exit_code == 2
    assert "which is a directory; expected a Python script. Name one in it: train.py" in result.stderr
