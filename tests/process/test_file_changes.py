from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from fitdoctor.process import file_changes


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("train.py", "data.csv", "old.txt"):
        (tmp_path / name).write_text("x")
    return tmp_path


def test_nothing_happened(project: Path) -> None:
    assert file_changes.changed(file_changes.look([project]), file_changes.look([project])) == []


def test_files_are_named_from_the_current_directory(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file_changes.look([project])
    (project / "sub").mkdir(exist_ok=True)
    (project / "sub" / "made.txt").write_text("x")
    monkeypatch.chdir(project)
    assert file_changes.changed(before, file_changes.look([project])) == [f"new: {Path('sub') / 'made.txt'}"]


def test_new_changed_and_deleted_files(project: Path) -> None:
    before = file_changes.look([project])
    (project / "sub").mkdir()
    (project / "sub" / "model.keras").write_text("x")
    (project / "data.csv").write_text("longer")
    (project / "old.txt").unlink()
    assert file_changes.changed(before, file_changes.look([project])) == [
        f"deleted: {project / 'old.txt'}",
        f"changed: {project / 'data.csv'}",
        f"new: {project / 'sub' / 'model.keras'}",
    ]


def test_a_file_of_the_same_size_that_was_written_later(project: Path) -> None:
    before = file_changes.look([project])
    os.utime(project / "data.csv", ns=(1, 1))
    assert file_changes.changed(before, file_changes.look([project])) == [f"changed: {project / 'data.csv'}"]


@pytest.mark.parametrize("folder", [".fitdoctor", ".git", "__pycache__", ".venv", "node_modules"])
def test_folders_that_are_nobodys_work(project: Path, folder: str) -> None:
    before = file_changes.look([project])
    (project / "sub" / folder).mkdir(parents=True)
    (project / "sub" / folder / "file").write_text("x")
    assert file_changes.changed(before, file_changes.look([project])) == []


def test_a_link_to_nowhere_and_a_folder_that_is_gone(project: Path) -> None:
    (project / "link").symlink_to("nowhere")
    assert file_changes.look([project, project / "gone"]).keys() == {
        str(project / name) for name in ("train.py", "data.csv", "old.txt")
    }


def test_a_data_set_of_many_files_is_not_walked_through(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_changes, "MOST_FILES", 10)
    for folder in range(20):
        (project / f"class-{folder:02}").mkdir()
        for number in range(5):
            (project / f"class-{folder:02}" / f"{number}.png").write_text("x")
    assert 10 < len(file_changes.look([project])) < 20


def test_our_own_report_is_no_change_of_the_scripts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file_changes.look([project])
    report = project / "report.txt"
    report.write_text("x")
    with monkeypatch.context() as redirected:
        redirected.setattr(os, "fstat", lambda descriptor: report.stat())
        after = file_changes.look([project])
    assert file_changes.changed(before, after) == []


def test_a_link_that_leads_nowhere_now_is_not_deleted(project: Path) -> None:
    (project / "link.txt").symlink_to(project / "old.txt")
    before = file_changes.look([project])
    (project / "old.txt").unlink()
    assert file_changes.changed(before, file_changes.look([project])) == [f"deleted: {project / 'old.txt'}"]


@pytest.mark.parametrize("named", ["recordings", "."])
def test_our_own_recordings_are_no_change(project: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("FITDOCTOR_DIR", named)
    before = file_changes.look([project])
    run = project / named / "20260317-120000-train"
    run.mkdir(parents=True)
    (run / "run.json").write_text("{}")
    assert file_changes.changed(before, file_changes.look([project])) == []


def listed(tmp_path: Path, *paths: Path) -> Path:
    file = tmp_path / "made.jsonl"
    statuses = [(str(path), path.lstat()) for path in paths]
    file.write_text("".join(json.dumps([path, status.st_dev, status.st_ino]) + "\n" for path, status in statuses))
    return file


@pytest.fixture
def child(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    """A project in which a child left a lock, a folder with a file, and a link; the list of it; and a folder for them."""
    (project / "train.lock").touch()
    (project / "run").mkdir()
    (project / "run" / "log.txt").write_text("x")
    (project / "latest").symlink_to("run")
    ours = tmp_path_factory.mktemp("ours")
    return (
        project,
        listed(ours, *(project / name for name in ("train.lock", "run", "run/log.txt", "latest"))),
        ours / "kept",
    )


def test_what_a_child_made_is_moved_away(child: tuple[Path, Path, Path]) -> None:
    project, made, keep = child
    assert file_changes.remove_made(made, keep) == [
        str(project / name) for name in ("train.lock", "run", "run/log.txt", "latest")
    ]
    assert {path.name for path in project.iterdir()} == {"train.py", "data.csv", "old.txt"}
    assert {path.name.partition("-")[2] for path in keep.iterdir()} == {"train.lock", "log.txt", "latest"}


def test_what_somebody_else_put_into_a_childs_folder_stays(child: tuple[Path, Path, Path]) -> None:
    project, made, keep = child
    (project / "run" / "checkpoint").write_text("of a real training")
    assert str(project / "run") not in file_changes.remove_made(made, keep)
    assert (project / "run" / "checkpoint").read_text() == "of a real training"


def test_what_was_there_before_is_never_moved(child: tuple[Path, Path, Path]) -> None:
    project, made, keep = child
    assert str(project / "train.lock") not in file_changes.remove_made(made, keep, file_changes.look([project]))
    assert (project / "train.lock").exists()


def test_what_somebody_else_put_in_its_place_stays(child: tuple[Path, Path, Path]) -> None:
    project, made, keep = child
    (project / "theirs").touch()
    (project / "theirs").rename(project / "train.lock")
    assert str(project / "train.lock") not in file_changes.remove_made(made, keep)
    assert (project / "train.lock").exists()


def test_what_the_child_took_away_again_is_no_longer_its_own(child: tuple[Path, Path, Path]) -> None:
    project, made, keep = child
    with made.open("a") as file:
        file.write(json.dumps([str(project / "train.lock")]) + "\n")
    assert str(project / "train.lock") not in file_changes.remove_made(made, keep)
    assert (project / "train.lock").exists()


def test_a_large_file_stays(child: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    project, made, keep = child
    monkeypatch.setattr(file_changes, "MOST_MADE_BYTES", 0)
    assert str(project / "run" / "log.txt") not in file_changes.remove_made(made, keep)
    assert (project / "run" / "log.txt").exists()


def test_of_many_files_only_locks_are_moved(child: tuple[Path, Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    project, made, keep = child
    monkeypatch.setattr(file_changes, "MOST_MADE", 2)
    assert file_changes.remove_made(made, keep) == [str(project / "train.lock")]


def test_a_list_that_is_missing_or_no_list(tmp_path: Path, project: Path) -> None:
    assert file_changes.remove_made(tmp_path / "none", tmp_path / "kept") == []
    (tmp_path / "made").write_bytes(
        b'["data.csv", 1, 2]\n{}\n["/a\\u0000b", 1, 2]\n\xff\n[]\n7\n["/nowhere", 1, 2]\n["/cut'
    )
    assert file_changes.remove_made(tmp_path / "made", tmp_path / "kept") == []
    assert (project / "data.csv").exists()


def test_pipes_and_sockets_are_moved_and_segments_of_shared_memory_deleted(project: Path) -> None:
    import socket

    os.mkfifo(project / "fifo")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(project / "socket"))
    segment, other = (Path(f"/dev/shm/{name}-{os.getpid()}") for name in ("psm_test", "test"))
    paths = [project / "fifo", project / "socket", segment, other]
    try:
        segment.write_bytes(bytes(file_changes.MOST_MADE_BYTES + 1))
        other.write_text("x")
        listed = project / "made.jsonl"
        listed.write_text(
            "".join(json.dumps([str(path), path.lstat().st_dev, path.lstat().st_ino]) + "\n" for path in paths)
        )
        assert file_changes.remove_made(listed, project / "keep") == [str(path) for path in paths if path != segment]
        assert not any(os.path.lexists(path) for path in paths)
        assert {path.name.split("-", 1)[1] for path in (project / "keep").iterdir()} == {"fifo", "socket", other.name}
    finally:
        segment.unlink(missing_ok=True)
        other.unlink(missing_ok=True)
