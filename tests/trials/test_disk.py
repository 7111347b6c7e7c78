from __future__ import annotations

import os
from pathlib import Path

import pytest

from fitdoctor.trials import disk


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("train.py", "data.csv", "old.txt"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_nothing_happened(project: Path) -> None:
    assert disk.changed(disk.look([project]), disk.look([project])) == []


def test_files_are_named_from_the_current_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = disk.look([project])
    (project / "sub").mkdir(exist_ok=True)
    (project / "sub" / "made.txt").write_text("x")
    monkeypatch.chdir(project)
    assert disk.changed(before, disk.look([project])) == [f"new: {Path('sub') / 'made.txt'}"]


def test_new_changed_and_deleted_files(project: Path) -> None:
    before = disk.look([project])
    (project / "sub").mkdir()
    (project / "sub" / "model.keras").write_text("x")
    (project / "data.csv").write_text("longer")
    (project / "old.txt").unlink()
    assert disk.changed(before, disk.look([project])) == [
        f"new: {project / 'sub' / 'model.keras'}",
        f"changed: {project / 'data.csv'}",
        f"deleted: {project / 'old.txt'}",
    ]


def test_a_file_of_the_same_size_that_was_written_later(project: Path) -> None:
    before = disk.look([project])
    os.utime(project / "data.csv", ns=(1, 1))
    assert disk.changed(before, disk.look([project])) == [f"changed: {project / 'data.csv'}"]


@pytest.mark.parametrize("folder", [".fitdoctor", ".git", "__pycache__", ".venv", "node_modules"])
def test_folders_that_are_nobodys_work(project: Path, folder: str) -> None:
    before = disk.look([project])
    (project / "sub" / folder).mkdir(parents=True)
    (project / "sub" / folder / "file").write_text("x")
    assert disk.changed(before, disk.look([project])) == []


def test_a_link_to_nowhere_and_a_folder_that_is_gone(project: Path) -> None:
    (project / "link").symlink_to("nowhere")
    assert disk.look([project, project / "gone"]).keys() == {str(project / name) for name in ("train.py", "data.csv", "old.txt")}


def test_many_changes_are_summed_up(project: Path) -> None:
    before = disk.look([project])
    for number in range(disk.SHOWN + 7):
        (project / f"{number}.txt").write_text("x")
    lines = disk.changed(before, disk.look([project]))
    assert len(lines) == disk.SHOWN + 1
    assert lines[-1] == "and 7 more"


def test_a_data_set_of_many_files_is_not_walked_through(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "MOST_FILES", 10)
    for folder in range(20):
        (project / f"class-{folder:02}").mkdir()
        for number in range(5):
            (project / f"class-{folder:02}" / f"{number}.png").write_text("x")
    assert 10 < len(disk.look([project])) < 20


def test_our_own_report_is_no_change_of_the_scripts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = disk.look([project])
    report = project / "report.txt"
    report.write_text("x")
    with monkeypatch.context() as redirected:
        redirected.setattr(os, "fstat", lambda descriptor: report.stat())
        after = disk.look([project])
    assert disk.changed(before, after) == []


def test_a_link_that_leads_nowhere_now_is_not_deleted(project: Path) -> None:
    (project / "link.txt").symlink_to(project / "old.txt")
    before = disk.look([project])
    (project / "old.txt").unlink()
    assert disk.changed(before, disk.look([project])) == [f"deleted: {project / 'old.txt'}"]


@pytest.mark.parametrize("named", ["recordings", "."])
def test_our_own_recordings_are_no_change(project: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("FITDOCTOR_DIR", named)
    before = disk.look([project])
    run = project / named / "20260317-120000-train"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    assert disk.changed(before, disk.look([project])) == []
