"""Recordings that somebody has prepared: links, pipes, devices, and files without an end."""

from __future__ import annotations

import gzip
import hashlib
import os
from pathlib import Path

import pytest

import fitdoctor
from fitdoctor.errors import FitdoctorError
from fitdoctor.recording import digest
from fitdoctor.recording.digest import hash_of
from fitdoctor.recording.folder import create, find_recording, latest, resolve
from fitdoctor.recording.load import decode_scout, load_run
from fitdoctor.recording.save import save_run
from fitdoctor.regular_files import MOST_BYTES, make_new, read_regular
from tests.support.recorded_runs import full_run


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FITDOCTOR_DIR")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / ".git").mkdir()
    (tmp_path / ".fitdoctor").mkdir()
    (tmp_path / "outside").mkdir()
    return tmp_path / ".fitdoctor"


def planted(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save_run(full_run(), folder / "run.json")
    return folder


@pytest.mark.parametrize("kind", ["folder", "file", "pipe", "device", "socket folder"])
def test_anything_but_a_regular_file_in_a_folder_is_skipped(root: Path, kind: str) -> None:
    run = root / "20990101-000000-train"
    outside = planted(root.parent / "outside")
    if kind == "folder":
        run.symlink_to(outside)
    else:
        run.mkdir()
        if kind == "file":
            (run / "run.json").symlink_to(outside / "run.json")
        elif kind == "pipe":
            os.mkfifo(run / "run.json")
        elif kind == "device":
            (run / "run.json").symlink_to("/dev/zero")
        else:
            (run / "run.json").mkdir()
    assert latest() is None
    if kind != "folder":  # a folder that the user names may be a link
        with pytest.raises(FitdoctorError):
            resolve(run.name)


def test_a_name_does_not_lead_out_of_the_recordings(root: Path) -> None:
    planted(root.parent / "outside/run")
    (root / "deep").mkdir()
    with pytest.raises(FitdoctorError):
        resolve("../../outside/run", parent=root / "deep")


def test_a_named_recording_may_be_a_link_of_anyone(root: Path) -> None:
    planted(root.parent / "outside")
    sent = root.parent / "sent.fitdoctor.json"
    sent.symlink_to("outside/run.json")
    recording, shown = find_recording("sent.fitdoctor.json")
    assert (load_run(recording), shown) == (full_run(), "sent.fitdoctor.json")


@pytest.mark.parametrize("compressed", [False, True])
def test_an_endless_recording_is_read_up_to_a_bound(root: Path, compressed: bool) -> None:
    path = root / "run.json"
    if compressed:
        path.write_bytes(gzip.compress(bytes(MOST_BYTES + 1), 1))
    else:
        with path.open("wb") as stream:
            stream.truncate(MOST_BYTES + 1)  # takes no room on the disk
    with pytest.raises(FitdoctorError, match="64 MB"):
        load_run(path)


def test_deeply_nested_json_gets_a_message() -> None:
    for data in (b"[" * 1_000_000, b'{"a":' * 200_000, b'{"version":' + b"9" * 5000 + b"}", b'{"version":NaN}'):
        with pytest.raises(FitdoctorError):
            decode_scout(data)


def test_a_pipe_or_a_device_does_not_block(root: Path) -> None:
    pipe = root / "pipe"
    os.mkfifo(pipe)
    (root / "link").symlink_to("/etc/passwd")
    for path in (pipe, Path("/dev/zero"), root, root / "link", Path("a\0b")):
        with pytest.raises(OSError, match=r".+"):
            read_regular(path)
    assert [hash_of(str(each)) for each in (pipe, "/dev/zero", root, "a\0b", "/gone")] == [""] * 5
    for given in (pipe, root / "gone", "a\0b"):
        with pytest.raises(FitdoctorError):
            fitdoctor.load_report(given)


def test_only_short_regular_files_are_hashed(root: Path) -> None:
    largest, sparse, empty = root / "largest.py", root / "sparse.py", root / "empty.py"
    empty.touch()
    for path, size in ((largest, digest.MOST_BYTES), (sparse, 4 << 40)):
        with path.open("wb") as stream:
            stream.truncate(size)  # takes no room on the disk
    (root / "link.py").symlink_to(largest)
    assert (
        hash_of(str(largest)) == hashlib.sha256(bytes(digest.MOST_BYTES)).hexdigest() == hash_of(str(root / "link.py"))
    )
    assert hash_of(str(empty)) == hashlib.sha256().hexdigest()
    assert hash_of(str(sparse)) == ""


@pytest.mark.skipif(not os.path.exists("/proc/self/status"), reason="Linux only")  # noqa: PTH110
def test_files_of_the_kernel_are_not_hashed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "link.py").symlink_to("/proc/kmsg")
    for path in (
        "/proc/kmsg",
        "/proc/self/status",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        str(root / "link.py"),
    ):
        assert hash_of(path) == ""
    monkeypatch.setattr(digest, "KERNEL_FOLDERS", ())  # as where it is mounted elsewhere
    assert hash_of("/proc/self/status") == hashlib.sha256().hexdigest()


def test_nothing_is_written_through_a_link(root: Path) -> None:
    outside = root.parent / "outside"
    (root / ".gitignore").symlink_to("../outside/ignore")
    create("train")
    assert not (outside / "ignore").exists()
    (outside / "mine").write_text("")
    (root / ".gitignore").unlink()
    os.link(outside / "mine", root / ".gitignore")
    create("train")
    assert (outside / "mine").read_text() == ""
    (root / "new").symlink_to("../outside/new")
    with pytest.raises(FileExistsError):
        make_new(root / "new", b"x")
    assert sorted(os.listdir(outside)) == ["mine"]


def test_a_link_in_the_place_of_a_recording_is_replaced(root: Path) -> None:
    target = root.parent / "outside/precious"
    target.write_text("mine")
    (root / "run.json").symlink_to(target)
    save_run(full_run(), root / "run.json")
    assert target.read_text() == "mine"
    assert load_run(root / "run.json") == full_run()
