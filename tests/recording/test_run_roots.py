"""Where recordings come to lie, and whom a folder has to belong to."""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path

import pytest

from fitdoctor.recording import ownership, run_roots
from fitdoctor.recording.folder import create, latest
from fitdoctor.recording.ownership import why_not_ours

pytestmark = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and modes are those of POSIX")
OTHER = 12345
only_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, in which the user stands in a folder."""
    for name in ("tmp", "home/work/deep"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.delenv("FITDOCTOR_DIR")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.chdir(tmp_path / "home/work/deep")
    return tmp_path / "home"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.parametrize("marker", ["pyproject.toml", "requirements.txt", "setup.cfg", ".git", ".hg"])
def test_a_project_is_found_by_its_markers(home: Path, marker: str) -> None:
    (home / "work" / marker).write_text("")
    made = create("train")
    assert made.path.parent == home / "work/.fitdoctor"
    assert made.note == ""
    assert made.shown == f"../.fitdoctor/{made.path.name}"
    assert (mode(made.path.parent), mode(made.path)) == (0o700, 0o700)


def test_a_repository_counts_before_a_package_in_it(home: Path) -> None:
    (home / "work/.git").mkdir()
    (home / "work/deep/requirements.txt").write_text("")
    assert create("train").path.parent == home / "work/.fitdoctor"


def test_without_a_project_it_is_the_folder_for_state(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create("train")
    assert made.path.parent == home / ".local/state/fitdoctor/runs"
    assert str(made.path) in made.note
    assert os.listdir() == []
    assert mode(home / ".local/state/fitdoctor") == 0o700
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))
    assert create("train").path.parent == home / "state/fitdoctor/runs"
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert create("train").path.parent == home / ".local/state/fitdoctor/runs"


@pytest.mark.parametrize("above", ["home", "."])
def test_a_home_in_a_repository_is_no_project(home: Path, above: str) -> None:
    (home.parent / above / ".git").mkdir()
    assert run_roots.project_root() is None


def test_the_variable_decides_and_may_be_a_link(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "work/.git").mkdir()
    (home / "disk").mkdir()
    (home / "link").symlink_to("disk")
    for named in ("~/link", str(home / "disk"), "../../link"):
        monkeypatch.setenv("FITDOCTOR_DIR", named)
        assert create("train").path.parent == home / "disk"
    assert not (home / "disk/.gitignore").exists()  # it was there before us


@only_root
@pytest.mark.parametrize("theirs", ["work", "work/deep", "work/.fitdoctor"])
def test_folders_of_another_user_are_not_used(home: Path, theirs: str) -> None:
    (home / "work/.git").mkdir()
    (home / "work/.fitdoctor/20990101-000000-train").mkdir(parents=True)
    (home / "work/.fitdoctor/20990101-000000-train/run.json").write_text("{}")
    assert latest() is not None
    os.chown(home / theirs, OTHER, OTHER)
    assert create("train").path.parent == home / ".local/state/fitdoctor/runs"
    assert latest() is None


@only_root
@pytest.mark.parametrize("link", ["", ".local", ".local/state"])
def test_nothing_is_created_in_the_home_of_another_user(home: Path, link: str) -> None:
    elsewhere = home.parent / "elsewhere"
    (elsewhere / "state").mkdir(parents=True)
    if link:
        (home / link).parent.mkdir(exist_ok=True)
        (home / link).symlink_to(elsewhere)
    os.chown(home, OTHER, OTHER)
    before = sorted(home.rglob("*"))
    made = create("train")
    assert made.path.is_relative_to(tempfile.gettempdir())
    assert f"{home} belongs to another user" in made.note
    assert "will ask for --yes" in made.note
    assert sorted(home.rglob("*")) == before
    assert os.listdir(elsewhere) == ["state"]
    assert os.listdir(elsewhere / "state") == []


@only_root
def test_a_link_of_another_user_is_not_followed_on_the_way(home: Path) -> None:
    elsewhere = home.parent / "elsewhere"
    elsewhere.mkdir()
    (home / ".local").symlink_to(elsewhere)
    assert create("train").path.is_relative_to(elsewhere / "state/fitdoctor/runs")  # ones own is
    os.chown(home / ".local", OTHER, OTHER, follow_symlinks=False)
    made = create("train")
    assert f"{home}/.local belongs to another user" in made.note
    assert made.path.is_relative_to(tempfile.gettempdir())


def test_nothing_is_created_where_others_may_write(home: Path) -> None:
    (home / ".local").mkdir()
    (home / ".local").chmod(0o777)
    made = create("train")
    assert f"{home}/.local can be written by other users" in made.note
    assert made.path.is_relative_to(tempfile.gettempdir())
    assert os.listdir(home / ".local") == []


def test_links_in_a_circle_come_to_an_end(home: Path) -> None:
    (home / ".local").symlink_to("around")
    (home / "around").symlink_to(".local")
    assert create("train").path.is_relative_to(tempfile.gettempdir())


@pytest.mark.parametrize("bits", [0o777, 0o772, 0o1777])
def test_folders_that_others_may_write_to_are_not_used(home: Path, bits: int) -> None:
    root = home / "work/.fitdoctor"
    (home / "work/.git").mkdir()
    (root / "20990101-000000-train").mkdir(parents=True)
    (root / "20990101-000000-train/run.json").write_text("{}")
    root.chmod(bits)
    made = create("train")
    assert made.path.parent == home / ".local/state/fitdoctor/runs"
    assert "can be written by other users" in made.note
    assert latest() is None


def test_a_link_in_the_place_of_the_recordings_is_not_followed(home: Path) -> None:
    (home / "work/.git").mkdir()
    (home / "elsewhere").mkdir()
    (home / "work/.fitdoctor").symlink_to(home / "elsewhere")
    assert "is a link" in create("train").note
    assert os.listdir(home / "elsewhere") == []


def test_a_group_of_ones_own_is_nobody_else(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "work"
    folder.chmod(0o775)
    monkeypatch.setattr(ownership, "_is_own_group", lambda _number: True)
    assert why_not_ours(folder) == ""
    monkeypatch.setattr(ownership, "_is_own_group", lambda _number: False)
    assert "can be written by other users" in why_not_ours(folder)
    assert "can be written by other users" in why_not_ours(folder / "deep")


def test_a_sticky_folder_above_keeps_what_is_ours(home: Path) -> None:
    (home / "work").chmod(0o1777)
    assert why_not_ours(home / "work/deep") == ""


def test_recordings_of_earlier_versions_are_found_where_they_lie(home: Path) -> None:
    (home / "work/.git").mkdir()
    old = home / "work/deep/.fitdoctor/20250101-000000-train"
    old.mkdir(parents=True)
    (old / "run.json").write_text("{}")
    found = latest()
    assert found is not None
    assert found.path == old


@pytest.mark.parametrize("home_is", ["", "/", "relative", "/nonexistent/at/all"])
def test_an_invalid_home_is_none(monkeypatch: pytest.MonkeyPatch, home_is: str) -> None:
    monkeypatch.setenv("HOME", home_is)
    made = create("train")
    assert made.path.is_relative_to(tempfile.gettempdir())
    assert "will ask for --yes" in made.note


def test_the_users_mask_neither_opens_nor_closes_a_folder(home: Path) -> None:
    (home / "work/.git").mkdir()
    for mask in (0o000, 0o277):
        before = os.umask(mask)
        try:
            made = create("train")
        finally:
            os.umask(before)
        assert mode(made.path) == 0o700
        assert mode(made.path.parent) == 0o700
