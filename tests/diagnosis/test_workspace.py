"""What the workspace records of all children: protection, changed files and limits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.workspace import LOST, DiagnosisWorkspace
from fitdoctor.process.messages import Ended, Started
from fitdoctor.report.text_files import AS_THEY_WERE
from tests.support import builders as make


class Silent:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DiagnosisWorkspace:
    monkeypatch.chdir(tmp_path)
    progress: Progress = Silent()  # type: ignore[assignment]
    return DiagnosisWorkspace(make.request(tmp_path / "run"), progress)


def record_child(workspace: DiagnosisWorkspace, started: Started, ended: Ended) -> None:
    workspace._note_protection(started)
    workspace._note_end(ended)


def test_changes_in_layers_are_merged_and_leave_no_message(workspace: DiagnosisWorkspace, tmp_path: Path) -> None:
    here = str(tmp_path)
    record_child(workspace, Started(layered=True), Ended(changes=[("new", f"{here}/b"), ("changed", f"{here}/a")]))
    record_child(workspace, Started(layered=True), Ended(changes=[("deleted", f"{here}/b"), ("new", "/etc/c")]))
    assert (workspace.data.protection, workspace.data.protection_note) == ("layer", "")
    assert workspace._changes() == ["changed: a", "new: /etc/c", "new: b"]
    *lines, last = workspace.changes_message().splitlines()
    assert lines == ["", "Your script would have changed on disk:", "  changed: a", "  new: /etc/c", "  new: b"]
    assert last == f"{AS_THEY_WERE} Run with python, it does change them."


def test_a_message_says_that_the_files_are_as_they_were(workspace: DiagnosisWorkspace) -> None:
    record_child(workspace, Started(layered=True), Ended())
    assert workspace.changes_message() == f"\n{AS_THEY_WERE}"


def test_a_message_says_why_there_was_no_layer(workspace: DiagnosisWorkspace, tmp_path: Path) -> None:
    record_child(workspace, Started(why="this system allows no namespace"), Ended())
    (tmp_path / "new.txt").touch()
    assert workspace.changes_message().startswith(
        "\nChanged on disk while your script was tried:\n  new: new.txt\nThere was no scratch layer: this system"
    )


def test_a_list_that_is_lost_is_a_limit(workspace: DiagnosisWorkspace) -> None:
    workspace._note_protection(Started(layered=True))
    workspace._note_end(Ended(), lost=True)
    assert workspace.data.limits == [LOST]
    assert LOST in workspace.changes_message()


def test_one_child_without_a_layer_makes_it_a_guard(workspace: DiagnosisWorkspace) -> None:
    record_child(workspace, Started(layered=True), Ended())
    record_child(workspace, Started(why="this system allows no namespace"), Ended())
    record_child(workspace, Started(layered=True), Ended())
    assert (workspace.data.protection, workspace.data.protection_note) == ("guard", "this system allows no namespace")


def test_allowed_writes_are_not_protected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    workspace = DiagnosisWorkspace(make.request(tmp_path / "run", allow_writes=True), Silent())  # type: ignore[arg-type]
    record_child(workspace, Started(), Ended())
    assert workspace.data.protection == ""


def test_each_limit_is_added_once(workspace: DiagnosisWorkspace) -> None:
    for _ in range(2):
        record_child(
            workspace,
            Started(layered=True, read_only=["/mnt"]),
            Ended(full="it had written 9 MB", left_running=["sleep 9", "x"]),
        )
    assert workspace.data.limits == [
        "No scratch layer could be laid over /mnt: your script could only read there.",
        "What your script left running was ended with it: sleep 9; x.",
        "Your script filled the scratch layer that takes what it writes (it had written 9 MB), and was ended.",
    ]


def test_files_left_behind_without_a_layer_are_moved_and_reported(
    workspace: DiagnosisWorkspace, tmp_path: Path
) -> None:
    for number, name in enumerate(("train.lock", "b.lock"), 1):
        left = tmp_path / name
        left.touch()
        status = left.stat()
        listed = tmp_path / "run" / "made.jsonl"
        listed.parent.mkdir(exist_ok=True)
        listed.write_text(json.dumps([str(left), status.st_dev, status.st_ino]) + "\n")
        workspace.data.tried_runs = number
        workspace._move_made(listed)
        assert not left.exists()
    (limit,) = workspace.data.limits
    assert limit.startswith("What your script made while it was tried, and left behind, was moved to")
    assert limit.endswith("run: b.lock, train.lock.")
    assert (tmp_path / "run" / "left-behind-2" / "0-b.lock").exists()
