"""Saving goes to a scratch folder, and is read from there first."""

from __future__ import annotations

from pathlib import Path

import pytest

from fitdoctor.probe.files.redirect import Redirect

BEFORE = "what was there before"


@pytest.fixture
def redirect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Redirect:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    return Redirect(str(tmp_path / "scratch"), [])


def test_saving_is_redirected(redirect: Redirect, tmp_path: Path) -> None:
    real = tmp_path / "project" / "out" / "model.keras"
    aside = redirect.writing_path("out/model.keras")
    assert aside == f"{tmp_path}/scratch{real}"
    assert Path(aside).parent.is_dir()
    assert not real.parent.exists()
    assert redirect._redirected == [str(real)]


def test_paths_keep_their_kind(redirect: Redirect, tmp_path: Path) -> None:
    assert redirect.writing_path(Path("model.keras")) == Path(f"{tmp_path}/scratch{tmp_path}/project/model.keras")
    assert redirect.writing_path(b"model.keras") == f"{tmp_path}/scratch{tmp_path}/project/model.keras"
    assert redirect.writing_path("~/model.keras") == f"{tmp_path}/scratch{Path.home()}/model.keras"


def test_other_objects_than_paths_stay(redirect: Redirect) -> None:
    stream = object()
    assert redirect.writing_path(stream) is stream
    assert redirect.reading_path(stream) is stream
    assert redirect._redirected == []


def test_paths_in_the_scratch_folder_stay(redirect: Redirect, tmp_path: Path) -> None:
    inside = f"{tmp_path}/scratch/x/model.keras"
    assert redirect.writing_path(inside) == inside
    beside = f"{tmp_path}/scratch-of-mine/model.keras"
    assert redirect.writing_path(beside) == f"{tmp_path}/scratch{beside}"


def test_each_path_is_recorded_once_and_their_number_is_bounded(redirect: Redirect) -> None:
    for number in range(200):
        redirect.writing_path(f"{number}.keras")
        redirect.writing_path(f"{number}.keras")
    assert len(redirect._redirected) == len(set(redirect._redirected)) == 100


@pytest.mark.parametrize(
    "path", ["model.keras", "sub/model.keras", "~/model.keras", "gs://bucket/model.keras", "/data/model.keras"]
)
def test_redirected_files_are_read_from_the_scratch_folder(redirect: Redirect, path: str) -> None:
    assert redirect.reading_path(path) == path
    aside = redirect.writing_path(path)
    assert redirect.reading_path(path) == path
    Path(aside).write_text("half trained")
    assert redirect.reading_path(path) == aside


def test_other_files_are_read_from_their_place(redirect: Redirect) -> None:
    Path("model.keras").write_text(BEFORE)
    redirect.writing_path("other.keras")
    assert redirect.reading_path("model.keras") == "model.keras"


def test_a_backup_starts_as_a_copy(redirect: Redirect) -> None:
    Path("backup").mkdir()
    Path("backup", "epoch").write_text("3")
    aside = redirect.backup_path("backup")
    assert Path(aside, "epoch").read_text() == "3"
    Path(aside, "epoch").write_text("4")
    assert redirect.backup_path("backup") == aside
    assert Path(aside, "epoch").read_text() == "4"
    assert Path("backup", "epoch").read_text() == "3"
