from __future__ import annotations

import json
import math
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitdoctor.errors import FitdoctorError
from fitdoctor.recording.load import decode_run, decode_scout, load_run
from fitdoctor.recording.model import VERSION, CallbackRecord, Fit, ProcessRecord, Run, Site
from fitdoctor.recording.save import encode_run, save_run
from tests.support.recorded_runs import full_run, runs

FULL = encode_run(full_run())


@given(run=runs)
@settings(max_examples=60, deadline=None)
def test_what_is_saved_is_read_back(run: Run) -> None:
    assert decode_run(encode_run(run)) == run


def test_a_file_is_read_back_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    save_run(Run(script="old.py"), path)
    save_run(full_run(), path)
    assert load_run(path) == full_run()
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]


@given(length=st.integers(0, len(FULL) - 1))
@settings(max_examples=80, deadline=None)
def test_a_truncated_recording_gets_a_message(length: int) -> None:
    with pytest.raises(FitdoctorError, match="damaged"):
        decode_run(FULL[:length])


@given(position=st.integers(0, len(FULL) - 1), junk=st.binary(max_size=6), cut=st.integers(0, 8))
@settings(max_examples=300, deadline=None)
def test_a_damaged_recording_is_read_or_gets_a_message(position: int, junk: bytes, cut: int) -> None:
    damaged = FULL[:position] + junk + FULL[position + cut :]
    with suppress(FitdoctorError):
        assert isinstance(decode_run(damaged), Run)


@given(data=st.binary(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_bytes_get_a_message(data: bytes) -> None:
    with pytest.raises(FitdoctorError):
        decode_run(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"{}", "has no “version”"),
        (b"[1, 2]", "holds a list"),
        (b'{"name": "package", "version": "1.0"}', "has no “fitdoctor”"),
        (b"[" * 100_000, "damaged"),
        (b"\xff\xfe", "damaged"),
        (b"", "damaged"),
    ],
)
def test_a_foreign_file_gets_a_message(data: bytes, words: str) -> None:
    with pytest.raises(FitdoctorError, match=words):
        decode_run(data)


def changed(**fields: object) -> bytes:
    return json.dumps({**json.loads(FULL), **fields}).encode()


def test_a_recording_of_a_newer_fitdoctor_says_so() -> None:
    with pytest.raises(FitdoctorError, match=r"written by fitdoctor 9\.0; expected version 1\. Update fitdoctor"):
        decode_run(changed(version=VERSION + 1, fitdoctor="9.0"))


@pytest.mark.parametrize("version", [0, True, "1", None, 1.0, [1]])
def test_another_version_gets_a_message(version: object) -> None:
    with pytest.raises(FitdoctorError, match="expected version"):
        decode_run(changed(version=version))


def test_a_rehearsal_of_a_newer_fitdoctor_inside_a_run_is_refused() -> None:
    with pytest.raises(FitdoctorError, match="Update fitdoctor"):
        decode_run(changed(rehearsals=[{"version": VERSION + 1}]))


def test_a_field_of_the_wrong_kind_is_named() -> None:
    with pytest.raises(FitdoctorError, match=r"budget_s"):
        decode_run(changed(budget_s="long"))


def test_values_without_json_are_described() -> None:
    callback = CallbackRecord(
        index=0,
        name="Early",
        module="m",
        own=True,
        attributes={"best": math.inf, "seed": 2**80, "file": "\udcff", "model": {1, 2}},
    )
    run = Run(script="\udcff.py", scout=ProcessRecord(fits=[Fit(site=Site(file="a", line=1), callbacks=[callback])]))
    read = decode_run(encode_run(run))
    assert read.scout is not None
    assert read.scout.fits[0].callbacks[0].attributes == {
        "best": None,
        "seed": str(2**80),
        "file": "\\udcff",
        "model": [1, 2],
    }


def test_the_recording_of_a_scout_is_checked_alike() -> None:
    assert decode_scout(b'{"version": 1, "wall_s": 3}').wall_s == 3
    with pytest.raises(FitdoctorError, match="damaged"):
        decode_scout(b'{"version": 1, "wal')
    with pytest.raises(FitdoctorError, match="expected version"):
        decode_scout(b'{"version": 99}')


def test_a_missing_file_gets_a_message(tmp_path: Path) -> None:
    with pytest.raises(FitdoctorError, match="No such file"):
        load_run(tmp_path / "run.json")


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.json"
    save_run(full_run(), path)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FitdoctorError, match="No space left"):
        save_run(Run(), path)
    assert load_run(path) == full_run()
    assert [path.name for path in tmp_path.iterdir()] == ["run.json"]
