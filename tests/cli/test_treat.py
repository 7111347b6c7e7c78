"""`fitdoctor treat`: what it refuses, what it applies, and what it says of it, with a child that does not run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import Result

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.digest import hash_of
from fitdoctor.recording.folder import create
from fitdoctor.recording.model import Ending, ProcessRecord, Run
from fitdoctor.recording.signature import save_signed
from fitdoctor.watching import session
from fitdoctor.watching.request import WatchRequest
from tests.support import builders as make
from tests.support.diagnosed_runs import SLOW_INPUT, diagnosed, pipeline_fit

Call = Callable[..., Result]
ENVIRONMENT = {"python": sys.version.split()[0], "cores": len(os.sched_getaffinity(0)), "backend": "tensorflow"}


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[WatchRequest]:
    """What was asked to be trained. Nothing is: the training ends at once, with exit code 3."""
    asked: list[WatchRequest] = []

    def watch(request: WatchRequest) -> session.Watched:
        asked.append(request)
        record = pipeline_fit()
        record.calls_run, record.epochs_seen, record.stopped_at = 1, 7, 7
        seen = ProcessRecord(fits=[record], treated_calls=1, ending=Ending(how="exit", code=3))
        return session.Watched(code=3, wall_s=12.0, run=Run(watched=seen))

    monkeypatch.setattr(session, "watch", watch)
    monkeypatch.setattr("psutil.Process", lambda: SimpleNamespace(create_time=lambda: time.time() - 0.01))
    return asked


def saved(
    project: Path,
    ratios: dict[str, float] = SLOW_INPUT,
    *,
    batches: str = "same",
    sources: tuple[str, ...] = ("train.py",),
    **changed: Any,
) -> str:
    run = diagnosed(make.run(pipeline_fit()), ratios)
    for arm in run.rehearsals[0].arms:
        arm.batches = batches
    values = {
        "script": "train.py",
        "target": "train.py",
        "python": sys.executable,
        "cwd": str(project),
        "fitdoctor": "0.1.0",
        **changed,
    }
    for name, value in values.items():
        setattr(run, name, value)
    assert run.scout is not None
    run.scout.environment = dict(ENVIRONMENT)
    run.scout.sources = {str(project / name): hash_of(str(project / name)) for name in sources}
    folder = create("train", parent=project)
    save_signed(run, folder.run_file)
    return folder.path.name


def test_verified_changes_are_applied_and_the_time_is_compared_with_the_promise(
    call: Call, project: Path, requests: list[WatchRequest]
) -> None:
    name = saved(project)
    result = call("treat", "train.py")
    assert result.exit_code == 3
    (request,) = requests
    assert request.treated is not None
    assert (request.target, request.python, request.treated.remedies) == (
        "train.py",
        sys.executable,
        ["precomputed-input"],
    )
    (treatment,) = request.treated.treatments
    assert request.treated.own_s > 0
    assert (treatment["kind"], treatment["line"]) == ("fit", 18)
    assert [change["kind"] for change in treatment["changes"]] == ["precompute"]
    assert treatment["expected"]["input_kind"] == "tf.data"
    assert request.environment == ENVIRONMENT
    assert result.stdout == ""
    assert f"as verified in .fitdoctor/{name}" in result.stderr
    assert "It took 12 s. Promised: " in result.stderr
    assert "It ended with 3" in result.stderr
    assert "train.py:18 trained 7 epochs, stopped by its own rule; the promise is for 50." in result.stderr


def test_without_a_folder_the_training_runs_as_written(
    call: Call, project: Path, requests: list[WatchRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_name: str) -> None:
        raise FitdoctorError("Could not write.")

    saved(project)
    monkeypatch.setattr("fitdoctor.recording.folder.create", full)
    result = call("treat", "train.py")
    assert len(requests) == 1
    assert "The training runs as written." in result.stderr
    assert "Training with" not in result.stderr


def test_the_syntax_is_that_of_the_python_of_the_diagnosis(
    call: Call, project: Path, requests: list[WatchRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        "fitdoctor.cli.target.check_target", lambda _target, _mode, python: asked.append(python) or "train"
    )
    saved(project, python="/usr/bin/env")
    monkeypatch.setattr("fitdoctor.cli.target.find_python", lambda name: name or sys.executable)
    monkeypatch.setattr("fitdoctor.treating.environment.check", lambda *_, **__: None)
    call("treat", "train.py")
    assert asked == ["/usr/bin/env"]


def test_without_a_diagnosis_nothing_runs(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    result = call("treat", "train.py", "--epochs", "3")
    assert (result.exit_code, requests) == (2, [])
    assert "no diagnosis" in result.stderr
    assert "“fitdoctor diagnose train.py --epochs 3”" in result.stderr
    saved(project, target="other.py")
    assert "no diagnosis" in call("treat", "train.py").stderr


def test_a_watched_or_treated_training_is_no_diagnosis(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    wanted = saved(project)
    folder = create("train", parent=project)
    save_signed(Run(target="train.py", script="train.py", cwd=str(project), watched=ProcessRecord()), folder.run_file)
    assert call("treat", "train.py").exit_code == 3
    assert requests[0].treated is not None
    assert requests[0].treated.diagnosis.endswith(wanted)
    assert "nothing was diagnosed" in call("treat", "--run", folder.path.name, "train.py").stderr


def test_a_run_may_be_named_and_must_be_of_this_script(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    mine, other = saved(project), saved(project, target="other.py", script="other.py")
    assert call("treat", "--run", mine, "train.py").exit_code == 3
    result = call("treat", "--run", other, "train.py")
    assert result.exit_code == 2
    assert "a diagnosis of other.py; expected one of train.py" in result.stderr
    assert len(requests) == 1


def test_another_source_is_refused(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    saved(project)
    (project / "train.py").write_text("print(2)\n")
    result = call("treat", "train.py")
    assert (result.exit_code, requests) == (2, [])
    assert "Received train.py, changed since .fitdoctor/" in result.stderr
    assert "fitdoctor diagnose train.py" in result.stderr


def test_a_module_of_the_users_that_changed_is_refused(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    (project / "data.py").write_text("x = 1\n")
    saved(project, sources=("train.py", "data.py"))
    assert call("treat", "train.py").exit_code == 3
    (project / "data.py").unlink()
    result = call("treat", "train.py")
    assert result.exit_code == 2
    assert "Received data.py, changed" in result.stderr


def test_other_arguments_are_refused(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    saved(project, argv=["--epochs", "3"])
    result = call("treat", "train.py", "--epochs", "5")
    assert (result.exit_code, requests) == (2, [])
    assert "Received train.py with --epochs 5; expected --epochs 3" in result.stderr
    assert "expected --epochs 3" in call("treat", "train.py").stderr


def test_the_latest_diagnosis_with_the_same_arguments_is_taken(
    call: Call, project: Path, requests: list[WatchRequest]
) -> None:
    saved(project, argv=["--epochs", "3"])
    saved(project, argv=["--epochs", "5"])
    call("treat", "train.py", "--epochs", "3")
    call("treat", "train.py", "--epochs", "5")
    assert [request.arguments for request in requests] == [("--epochs", "3"), ("--epochs", "5")]


def test_a_missing_script_gets_a_message(call: Call, project: Path) -> None:
    result = call("treat", "nosuch.py")
    assert result.exit_code == 2
    assert "nosuch.py" in result.stderr
    assert "diagnosis" not in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("python", "3.9.1", "expected Python 3.9.1"),
        ("cores", 96, "expected 96 CPU cores"),
        ("backend", "jax", "expected the backend jax"),
    ],
)
def test_another_environment_is_refused(
    call: Call,
    project: Path,
    requests: list[WatchRequest],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    value: Any,
    words: str,
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.setitem(ENVIRONMENT, name, value)
    saved(project)
    result = call("treat", "train.py")
    assert (result.exit_code, requests) == (2, [])
    assert words in result.stderr
    assert "diagnose again" in result.stderr


def test_a_change_whose_numbers_differ_is_not_applied(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    saved(project, batches="different")
    result = call("treat", "--allow", "semantics", "train.py")
    assert (result.exit_code, requests) == (2, [])
    assert "nothing was verified" in result.stderr


def test_allow_takes_a_list_of_safeties(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    saved(project)
    assert call("treat", "--allow", "numerics,semantics", "train.py").exit_code == 3
    assert call("treat", "--allow", "anything", "train.py").exit_code == 2


def test_a_recording_without_a_source_is_rejected(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    saved(project, sources=())
    assert "did not record the source" in call("treat", "train.py").stderr


def test_quiet_treat_shows_only_the_command(call: Call, project: Path, requests: list[WatchRequest]) -> None:
    saved(project)
    result = call("treat", "-q", "train.py")
    assert (result.exit_code, len(requests)) == (3, 1)
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"fitdoctor: Runs {sys.executable} train.py, as recorded in ")
