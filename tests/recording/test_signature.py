"""Which recordings are our own."""

from __future__ import annotations

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fitdoctor.recording.load import load_run
from fitdoctor.recording.model import Run
from fitdoctor.recording.save import encode_run, save_run
from fitdoctor.recording.signature import is_signed, load_recording, save_signed, signed, why_unsigned
from tests.support.recorded_runs import full_run


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state/fitdoctor"


def test_a_saved_recording_is_our_own_and_unchanged(tmp_path: Path, state: Path) -> None:
    path = tmp_path / "run.json"
    save_signed(full_run(), path)
    assert load_recording(path).is_own
    assert load_run(path) == full_run()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((state / "key").stat().st_mode) == 0o600
    assert os.listdir(state) == ["key"]


def test_a_forged_signature_is_not_ours(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_run(full_run(), path)
    assert not load_recording(path).is_own
    data = signed(encode_run(full_run()))
    assert is_signed(data)
    python = encode_run(Run(fitdoctor="1", python="/evil"))
    signature = data[-79:]
    for planted in (
        data.replace(b"train.py", b"evil.py"),
        data.replace(b"{", b'{"python":"/evil",', 1),
        python[:-1] + signature,
        data[:-2] + b'","python":"/evil"}',
        data[:-1] + signature,
        data[:-66] + b"0" * 64 + b'"}',
        json.dumps({**json.loads(data), "python": "/evil"}, separators=(",", ":")).encode(),
    ):
        assert not is_signed(planted)


def test_the_key_of_another_user_or_machine_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = signed(encode_run(full_run()))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "other"))
    assert not is_signed(data)
    assert not (tmp_path / "other").exists()  # nothing is made where something is only read
    assert is_signed(signed(encode_run(full_run())))


@pytest.mark.parametrize("kind", ["readable", "short", "link", "folder", "open folder", "pipe"])
def test_a_key_that_others_may_read_is_not_used(state: Path, kind: str) -> None:
    data = signed(encode_run(full_run()))
    key = state / "key"
    if kind == "readable":
        key.chmod(0o644)
    elif kind == "short":
        key.write_bytes(b"1234")
    elif kind == "open folder":
        state.chmod(0o777)
    else:
        key.rename(state / "moved")
        if kind == "link":
            key.symlink_to("moved")
        elif kind == "folder":
            key.mkdir()
        else:
            os.mkfifo(key)
    assert not is_signed(data)
    assert not is_signed(signed(encode_run(full_run())))
    assert "will ask for --yes" in why_unsigned()


def test_processes_that_start_together_share_one_key() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(is_signed, pool.map(signed, [b'{"a":1}'] * 32)))


def test_without_a_key_the_recording_is_saved_unsigned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/nonexistent/at/all")
    save_signed(full_run(), tmp_path / "run.json")
    assert not load_recording(tmp_path / "run.json").is_own
    assert "as there is no home" in why_unsigned()
