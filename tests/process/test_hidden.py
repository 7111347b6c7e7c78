"""Folders of ours are hidden from a layer, and those above them stay what they are."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from fitdoctor.process.hidden import hide, translated

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such layers")


@pytest.fixture
def upper(tmp_path: Path) -> Path:
    (tmp_path / "project" / "runs" / "ours").mkdir(parents=True)
    (tmp_path / "project" / "runs").chmod(0o750)
    os.utime(tmp_path / "project", ns=(1, 2))
    (tmp_path / "upper").mkdir()
    return tmp_path / "upper"


def hidden(upper: Path, folder: Path, path: Path) -> None:
    try:
        hide(str(folder), path=str(path), lower=str(path), upper=str(upper), user_namespace=False)
    except PermissionError:
        pytest.skip("this system lets nobody make the mark of what is gone")


def test_the_folders_above_keep_their_mode_and_time(upper: Path, tmp_path: Path) -> None:
    hidden(upper, tmp_path / "project" / "runs" / "ours", tmp_path)
    gone = (upper / "project" / "runs" / "ours").lstat()
    assert (stat.S_ISCHR(gone.st_mode), gone.st_rdev) == (True, 0)
    assert stat.S_IMODE((upper / "project" / "runs").stat().st_mode) == 0o750
    assert (upper / "project").stat().st_mtime_ns == 2


def test_right_at_the_top(upper: Path, tmp_path: Path) -> None:
    hidden(upper, tmp_path / "project" / "runs", tmp_path / "project")
    assert [path.name for path in upper.iterdir()] == ["runs"]


def test_what_lies_elsewhere_leaves_no_trace(upper: Path, tmp_path: Path) -> None:
    hidden(upper, tmp_path / "projects", tmp_path / "project")
    assert list(upper.iterdir()) == []


def test_a_folder_of_somebody_elses_on_the_way_is_not_taken_up(
    upper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    path = str(tmp_path)
    hide(str(tmp_path / "project" / "runs"), path=path, lower=path, upper=str(upper), user_namespace=True)
    assert list(upper.iterdir()) == []


def test_paths_are_translated_wherever_they_stand() -> None:
    asked = {"out": "/a/run/x.json", "kept": ["/a/run", "file:/a/run/mlruns", "/a/running", 7], "deep": {"none": None}}
    assert translated(asked, {"/a/run": "/ours"}) == {
        "out": "/ours/x.json", "kept": ["/ours", "file:/ours/mlruns", "/a/running", 7], "deep": {"none": None},
    }  # fmt: skip
