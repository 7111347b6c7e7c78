"""Disks that are full or read-only, at the start and later."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from fitdoctor.cli.main import main
from fitdoctor.diagnosis import workspace
from fitdoctor.process import child
from tests.bad_input.conftest import FAKES_PATH, FIT, MODEL, Lab


@pytest.fixture
def project(lab: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Lab:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", FAKES_PATH)
    monkeypatch.chdir(lab.folder)
    lab.write(MODEL + FIT)
    return lab


def diagnose(budget: str = "4") -> Result:
    return CliRunner().invoke(main, ["diagnose", "--budget", budget, "train.py"], prog_name="fitdoctor")


def full(*_arguments: object, **_keywords: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_before_the_first_process_is_an_error(project: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "json", SimpleNamespace(dumps=full, loads=json.loads))
    result = diagnose()
    assert result.exit_code == 2
    assert "No space left on device. Expected space there" in result.stderr


def test_a_full_disk_for_the_record_is_an_error(project: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "prove_room", full)
    monkeypatch.setattr(workspace.DiagnosisWorkspace, "read", lambda *_: None)
    result = diagnose()
    assert result.exit_code == 2
    assert "No space left on device. Expected space there" in result.stderr


def test_a_full_disk_before_a_rehearsal_keeps_the_results_of_the_scout(
    project: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = workspace.DiagnosisWorkspace.start

    def fails_later(self: workspace.DiagnosisWorkspace, role: str, **spec: object) -> child.Child:
        if role == "rehearsal":
            monkeypatch.setattr(child, "json", SimpleNamespace(dumps=full, loads=json.loads))
        return start(self, role, **spec)

    monkeypatch.setattr(workspace.DiagnosisWorkspace, "start", fails_later)
    result = diagnose(budget="20")
    monkeypatch.undo()
    assert result.exit_code == 0
    assert "No space left on device" in " ".join(result.stdout.split())


def test_an_unreadable_record_is_reported_as_a_bug_of_fitdoctor(project: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "decode_scout", lambda _: full())
    result = diagnose()
    assert result.exit_code == 2
    assert "a fault of fitdoctor" in result.stderr


def test_a_report_that_cannot_be_printed_is_saved(lab: Lab) -> None:
    lab.write(MODEL + FIT)
    with Path("/dev/full").open("w") as stdout:
        process = lab.start("--budget", "4", "train.py", stdout=stdout.fileno())
        ended = lab.end(process)
    assert ended.code == 2
    assert "Could not print the report: No space left on device" in ended.err
    assert "report.json" in lab.kept()
