"""What a diagnosis knows of the user's files, put together from all of its children."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fitdoctor.diagnosis.progress import Progress
from fitdoctor.diagnosis.workspace import LOST, DiagnosisWorkspace
from fitdoctor.process.messages import Ended, Started
from fitdoctor.report.text_files import AS_THEY_WERE
from tests import builders as make


class Silent:
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DiagnosisWorkspace:
    monkeypatch.chdir(tmp_path)
    progress: Progress = Silent()  # type: ignore[assignment]
    return DiagnosisWorkspace(make.request(tmp_path / "run"), progress)


def ran(desk: DiagnosisWorkspace, started: Started, ended: Ended) -> None:
    desk._note_protection(started)
    desk._note_end(ended)


def test_children_in_a_layer_change_nothing(desk: DiagnosisWorkspace, tmp_path: Path) -> None:
    here = str(tmp_path)
    ran(desk, Started(layered=True), Ended(changes=[("new", f"{here}/b"), ("changed", f"{here}/a")]))
    ran(desk, Started(layered=True), Ended(changes=[("deleted", f"{here}/b"), ("new", "/etc/c")]))
    assert (desk.data.protection, desk.data.protection_note) == ("layer", "")
    assert desk._changes() == ["changed: a", "new: /etc/c", "new: b"]
    *told, last = desk.on_disk().splitlines()
    assert told == ["", "Your script would have changed on disk:", "  changed: a", "  new: /etc/c", "  new: b"]
    assert last == f"{AS_THEY_WERE} Run with python, it does change them."


def test_a_message_says_that_the_files_are_as_they_were(desk: DiagnosisWorkspace) -> None:
    ran(desk, Started(layered=True), Ended())
    assert desk.on_disk() == f"\n{AS_THEY_WERE}"


def test_a_message_says_why_there_was_no_layer(desk: DiagnosisWorkspace, tmp_path: Path) -> None:
    ran(desk, Started(why="this system allows no namespace"), Ended())
    (tmp_path / "new.txt").touch()
    assert desk.on_disk().startswith(
        "\nChanged on disk while your script was tried:\n  new: new.txt\nThere was no scratch layer: this system"
    )


def test_a_list_that_is_lost_is_a_limit(desk: DiagnosisWorkspace) -> None:
    desk._note_protection(Started(layered=True))
    desk._note_end(Ended(), lost=True)
    assert desk.data.limits == [LOST]
    assert LOST in desk.on_disk()


def test_one_child_without_a_layer_makes_it_a_guard(desk: DiagnosisWorkspace) -> None:
    ran(desk, Started(layered=True), Ended())
    ran(desk, Started(why="this system allows no namespace"), Ended())
    ran(desk, Started(layered=True), Ended())
    assert (desk.data.protection, desk.data.protection_note) == ("guard", "this system allows no namespace")


def test_where_writes_are_allowed_nothing_holds_them_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    desk = DiagnosisWorkspace(make.request(tmp_path / "run", allow_writes=True), Silent())  # type: ignore[arg-type]
    ran(desk, Started(), Ended())
    assert desk.data.protection == ""


def test_what_else_is_known_is_a_limit_once(desk: DiagnosisWorkspace) -> None:
    for _ in range(2):
        ran(
            desk,
            Started(layered=True, read_only=["/mnt"]),
            Ended(full="it had written 9 MB", left_running=["sleep 9", "x"]),
        )
    assert desk.data.limits == [
        "No scratch layer could be laid over /mnt: your script could only read there.",
        "What your script left running was ended with it: sleep 9; x.",
        "Your script filled the scratch layer that takes what it writes (it had written 9 MB), and was ended.",
    ]


def test_without_a_layer_what_was_left_behind_is_moved_and_told(desk: DiagnosisWorkspace, tmp_path: Path) -> None:
    for number, name in enumerate(("train.lock", "b.lock"), 1):
        left = tmp_path / name
        left.touch()
        status = left.stat()
        listed = tmp_path / "run" / "made.jsonl"
        listed.parent.mkdir(exist_ok=True)
        listed.write_text(json.dumps([str(left), status.st_dev, status.st_ino]) + "\n")
        desk.data.tried_runs = number
        desk._move_made(listed)
        assert not left.exists()
    (limit,) = desk.data.limits
    assert limit.startswith("What your script made while it was tried, and left behind, was moved to")
    assert limit.endswith("run: b.lock, train.lock.")
    assert (tmp_path / "run" / "left-behind-2" / "0-b.lock").exists()
