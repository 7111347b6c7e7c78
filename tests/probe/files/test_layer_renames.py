"""Folders that the system can't rename over a layer are copied; all else fails or works as it does elsewhere."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fitdoctor.probe.files import layer_renames


@pytest.fixture(params=["rename", "replace"])
def rename(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """`os.rename` or `os.replace`, over a layer whose folders can't be renamed."""

    def refuses_folders(original: object) -> object:
        def renamed(src: object, dst: object, **folders: object) -> None:
            path = Path(str(src))
            if path.is_dir() and not path.is_symlink():
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            original(src, dst, **folders)  # type: ignore[operator]

        return renamed

    for name in ("rename", "replace"):
        monkeypatch.setattr(os, name, refuses_folders(getattr(os, name)))
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "weights").write_text("x")
    (tmp_path / "results" / "link").symlink_to("weights")
    (tmp_path / "file").write_text("y")
    monkeypatch.chdir(tmp_path)
    patches = layer_renames.install()
    yield getattr(os, request.param)
    patches.undo()


def test_a_folder_is_copied(rename: object) -> None:
    rename("results", Path("old"))  # type: ignore[operator]
    assert not Path("results").exists()
    assert Path("old", "weights").read_text() == "x"
    assert Path("old", "link").readlink() == Path("weights")


def test_an_empty_folder_is_replaced_and_a_full_one_is_not(rename: object) -> None:
    Path("empty").mkdir()
    rename("results", "empty")  # type: ignore[operator]
    Path("full").mkdir()
    Path("full", "other").touch()
    with pytest.raises(OSError, match="not empty"):
        rename("empty", "full")  # type: ignore[operator]
    assert Path("empty", "weights").read_text() == "x"


def test_files_and_links_are_renamed_and_errors_are_the_systems(rename: object) -> None:
    Path("latest").symlink_to("results")
    rename("file", "other")  # type: ignore[operator]
    rename("latest", "earlier")  # type: ignore[operator]
    assert Path("earlier").is_symlink()
    with pytest.raises(FileNotFoundError):
        rename("gone", "here")  # type: ignore[operator]
    with pytest.raises(FileNotFoundError):
        rename("results", "no/such/folder")  # type: ignore[operator]


def test_renames_to_devices_keep_failing(rename: object) -> None:
    with pytest.raises(OSError, match="cross-device"):
        rename("results", "/dev/shm/fitdoctor-elsewhere")  # type: ignore[operator]
    assert Path("results", "weights").exists()


@pytest.fixture
def apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder "far" that is another file system to the kernel."""

    def refuses(original: object) -> object:
        def call(src: object, dst: object, **folders: object) -> None:
            if ("far" in str(src)) != ("far" in str(dst)):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            original(src, dst, **folders)  # type: ignore[operator]

        return call

    for name in ("rename", "replace", "link"):
        monkeypatch.setattr(os, name, refuses(getattr(os, name)))
    (tmp_path / "far").mkdir()
    monkeypatch.chdir(tmp_path)
    patches = layer_renames.install()
    yield
    patches.undo()


@pytest.mark.usefixtures("apart")
def test_a_file_is_copied_and_replaces_what_is_there() -> None:
    Path("far/new").write_text("new")
    Path("best").write_text("old")
    os.replace("far/new", "best")  # noqa: PTH105 - what is tested
    assert Path("best").read_text() == "new"
    assert not Path("far/new").exists()
    assert sorted(os.listdir()) == ["best", "far"]


@pytest.mark.usefixtures("apart")
def test_a_hard_link_becomes_a_copy_and_replaces_nothing() -> None:
    Path("far/one").write_text("1")
    os.link("far/one", "two")
    assert Path("two").read_text() == Path("far/one").read_text() == "1"
    with pytest.raises(FileExistsError):
        os.link("far/one", "two")


@pytest.mark.usefixtures("apart")
def test_a_missing_file_fails_with_the_usual_error() -> None:
    with pytest.raises(FileNotFoundError):
        os.rename("far/none", "here")  # noqa: PTH104 - what is tested
