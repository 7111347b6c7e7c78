from __future__ import annotations

import errno
import json
import math
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.probe.support.record_writer import Store
from fitdoctor.recording.plain import UNWRITTEN


@dataclass
class Record:
    values: dict[str, Any] = field(default_factory=dict)


def test_the_file_has_the_current_record(tmp_path: Path) -> None:
    record = Record()
    store = Store(str(tmp_path / "record.json"), lambda: record)
    for count in range(3):
        record.values["count"] = count
        store.save()
        assert json.loads((tmp_path / "record.json").read_text()) == {"values": {"count": count}}
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, pytest.param(object(), id="object"), 2**80, {1: {2}}, b"\xff", "\udcff", Path("a")],
    ids=repr,
)
def test_any_value_of_a_script_is_written_as_json(tmp_path: Path, value: Any) -> None:
    Store(str(tmp_path / "record.json"), lambda: Record({"value": value})).save()

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert "value" in json.loads((tmp_path / "record.json").read_text(), parse_constant=refuse)["values"]


def test_a_missing_folder_does_not_stop_the_script(tmp_path: Path) -> None:
    Store(str(tmp_path / "nowhere" / "record.json"), Record).save()
    assert not (tmp_path / "nowhere").exists()


def test_an_outdated_record_is_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    store = Store(str(path), Record)
    store.save()
    with monkeypatch.context() as patched:
        patched.setattr("fitdoctor.probe.support.record_writer.os.replace", _out_of_descriptors)
        store.save()
        store.save()
        assert str(Path(f"{path}{UNWRITTEN}").readlink()) == os.strerror(errno.EMFILE)
    store.save()
    assert not os.path.lexists(f"{path}{UNWRITTEN}")


def _out_of_descriptors(*_: Any) -> None:
    raise OSError(errno.EMFILE, "as the script has none left")


def test_a_reader_never_gets_half_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    store = Store(str(path), lambda: Record({"text": "x" * 100}))
    store.save()
    before = path.read_bytes()
    monkeypatch.setattr("fitdoctor.probe.support.record_writer.os.replace", _fails)
    store.save()
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_copy_saves_nothing(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "record.json"), lambda: Record({"pid": os.getpid()}))
    store.save()
    with store._lock:  # as another thread may hold it just then
        child = os.fork()
        if not child:
            thread = threading.Thread(target=store.save)
            thread.start()
            thread.join(10)
            os._exit(thread.is_alive())
    assert os.waitpid(child, 0)[1] == 0
    assert json.loads((tmp_path / "record.json").read_text()) == {"values": {"pid": os.getpid()}}


def test_a_record_never_gets_the_number_of_a_stream(tmp_path: Path) -> None:
    """Without stdout, the file could get its number, and output of C code would come into the file."""
    done = subprocess.run(
        [sys.executable, "-c", FEW_STREAMS, str(tmp_path / "record.json")],
        stderr=subprocess.PIPE,
        check=False,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads((tmp_path / "record.json").read_text()) == {"values": {}}


def test_a_thread_may_save_while_the_script_does(tmp_path: Path, switching: Callable[[], None]) -> None:
    record = Record()
    path = tmp_path / "record.json"
    store = Store(str(path), lambda: record)
    switching()
    errors: list[Exception] = []
    done = threading.Event()

    def watch() -> None:
        try:
            while not done.is_set():
                store.save()
                json.loads(path.read_text())
        except Exception as error:  # noqa: BLE001 - whatever it is, it would end the watchdog's thread
            errors.append(error)

    thread = threading.Thread(target=watch)
    thread.start()
    for count in range(300):
        record.values[str(count)] = {str(n): n for n in range(20)}
        if count % 10 == 0:
            store.save()
    done.set()
    thread.join()
    assert errors == []
    store.save()
    assert len(json.loads(path.read_text())["values"]) == 300


FEW_STREAMS = """\
import os, sys
from fitdoctor.probe.support import record_writer as store
from tests.probe.support.test_record_writer import Record
os.close(0), os.close(1)
written = []
def write(file, data, write=store.os.write):
    written.append(file)
    return write(file, data)
store.os.write = write
store.Store(sys.argv[1], Record).save()
assert min(written) >= store.FIRST_NUMBER, written
try:
    os.fstat(1)
except OSError:
    pass
else:
    raise AssertionError("stdout is open")
"""


@pytest.fixture
def switching() -> Any:
    """Lets threads take turns as often as the interpreter can."""
    before = sys.getswitchinterval()
    yield lambda: sys.setswitchinterval(1e-6)
    sys.setswitchinterval(before)


def _fails(*arguments: Any) -> None:
    raise OSError("disk full")
