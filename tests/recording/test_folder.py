from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

import pytest

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording import folder as folders
from fitdoctor.recording import places
from fitdoctor.recording.folder import RunFolder, create, latest, resolve

NOON = datetime(2026, 3, 17, 12, 0, 0)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project to stand in, a home, and a temporary folder of the test's own."""
    (tmp_path / "tmp").mkdir()
    (tmp_path / "home").mkdir()
    (tmp_path / "project" / ".git").mkdir(parents=True)
    monkeypatch.delenv("FITDOCTOR_DIR")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "project")
    return tmp_path / "project"


def saved(name: str, **arguments: datetime) -> RunFolder:
    made = create(name, **arguments)
    made.run_file.write_text("{}")
    return made


def test_a_run_gets_a_folder_that_git_ignores(home: Path) -> None:
    made = create("train", now=NOON)
    assert made.path == home / ".fitdoctor" / "20260317-120000-train"
    assert (made.note, made.shown) == ("", ".fitdoctor/20260317-120000-train")
    assert not list(made.path.iterdir())
    assert (home / ".fitdoctor" / ".gitignore").read_text() == "*\n"


def test_the_ignore_file_is_written_once(home: Path) -> None:
    create("train")
    ignore = home / ".fitdoctor" / ".gitignore"
    ignore.write_text("mine\n")
    create("train")
    assert ignore.read_text() == "mine\n"


def test_two_runs_in_one_second_do_not_share_a_folder() -> None:
    names = [create("train", now=NOON).path.name for _ in range(3)]
    assert names == ["20260317-120000-train", "20260317-120000-train-2", "20260317-120000-train-3"]


@pytest.mark.parametrize(
    ("name", "stem"), [("pkg.mod", "pkg.mod"), ("a b/ü", "a-b"), ("…", "run"), ("x" * 90, "x" * 40)]
)
def test_names_are_made_fit_for_a_file_system(name: str, stem: str) -> None:
    assert create(name, now=NOON).path.name == f"20260317-120000-{stem}"


def test_what_can_not_be_written_falls_back_with_a_note(home: Path) -> None:
    (home / ".fitdoctor").write_text("a file where the folder should be")
    made = create("train", now=NOON)
    assert made.path == home.parent / "home/.local/state/fitdoctor/runs/20260317-120000-train"
    assert "can't be used" in made.note
    assert str(made.path) in made.note


def test_a_folder_without_a_project_says_what_was_looked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = home.parent / "plain"
    plain.mkdir()
    monkeypatch.chdir(plain)
    made = create("train")
    assert made.note.startswith(
        f"No project was found: neither {plain} nor a folder of yours above it has one of .git, .hg, pyproject.toml"
    )
    assert made.note.endswith(f": this run is kept in {made.path}.")


def test_a_folder_that_others_may_write_to_says_so(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = home.parent / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    monkeypatch.chdir(shared)
    note = create("train").note
    assert note.startswith(
        f"No project was looked for, since others could put something there: {shared} can be written by other users:"
    )


def test_a_full_disk_falls_back_and_leaves_no_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prove = folders.prove_room

    def full(path: Path) -> None:
        if path.is_relative_to(home):
            raise OSError(28, "No space left on device")
        prove(path)

    monkeypatch.setattr(folders, "prove_room", full)
    made = create("train")
    assert made.path.is_relative_to(home.parent / "home")
    assert "No space left on device" in made.note
    assert [path.name for path in (home / ".fitdoctor").iterdir()] == [".gitignore"]


def test_nowhere_to_write_gets_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "prove_room", full)
    with pytest.raises(FitdoctorError, match="Found no place to write to"):
        create("train")


@pytest.mark.skipif(
    not hasattr(os, "getuid"), reason="names of temporary folders are only shared between users on POSIX"
)
def test_a_temporary_folder_of_someone_else_is_not_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / ".fitdoctor").write_text("")
    monkeypatch.setenv("HOME", str(home / ".fitdoctor"))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = places.temporary_root()
    assert root is not None
    root.symlink_to(elsewhere)
    made = create("train")
    assert made.path.is_relative_to(tempfile.gettempdir())
    assert not list(elsewhere.iterdir())


def test_the_latest_run_is_the_newest_with_a_recording() -> None:
    assert latest() is None
    saved("old", now=datetime(2026, 1, 1))
    newest = saved("a", now=NOON)
    create("nothing-recorded", now=datetime(2027, 1, 1))
    found = latest()
    assert found is not None
    assert found.path == newest.path


def test_a_run_is_found_by_path_name_file_and_last(home: Path) -> None:
    made = saved("train", now=NOON)
    for given in (str(made.path), made.shown, made.path.name, "last", str(made.run_file), f"{made.shown}/"):
        assert resolve(given).path == made.path


def test_a_run_in_the_folder_for_state_is_found_by_its_name(home: Path) -> None:
    (home / ".fitdoctor").write_text("")
    made = saved("train")
    assert resolve(made.path.name).path == made.path
    assert resolve("last").path == made.path


def test_an_unknown_run_gets_a_message_with_those_that_exist() -> None:
    with pytest.raises(FitdoctorError, match="There is no run yet"):
        resolve("last")
    made = saved("train")
    with pytest.raises(FitdoctorError, match=f"does not exist(.|\n)*{made.path.name}"):
        resolve("trian")
    with pytest.raises(FitdoctorError, match=r"a folder without run\.json"):
        resolve(".")


def test_runs_of_other_folders_are_named_only_where_there_is_none_here(home: Path) -> None:
    (home / ".fitdoctor").write_text("")
    elsewhere = saved("other", now=NOON)
    with pytest.raises(FitdoctorError, match=f"none in this folder(.|\n)*{elsewhere.path}"):
        resolve("trian")
    (home / ".fitdoctor").unlink()
    made = saved("train", now=NOON)
    with pytest.raises(FitdoctorError, match=made.path.name) as refused:
        resolve("trian")
    assert elsewhere.path.name not in str(refused.value)


def test_an_empty_folder_is_taken_away_and_a_full_one_is_kept() -> None:
    empty, full = create("empty"), saved("full")
    empty.remove_if_empty()
    full.remove_if_empty()
    assert (empty.path.exists(), full.path.exists()) == (False, True)


def test_where_nothing_can_be_written_no_folder_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def full(_path: Path) -> None:
        raise OSError(27, "File too large")

    monkeypatch.setattr("fitdoctor.recording.folder.prove_room", full)
    with pytest.raises(FitdoctorError, match="Found no place to write to"):
        create("train", parent=tmp_path / "project")
    assert [
        path.name for path in (tmp_path / "temporary").glob("fitdoctor-*") if path.name != f"fitdoctor-{os.getuid()}"
    ] == []
