"""The numbers of threads that a script chooses are detected."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, cast

import pytest

from fitdoctor.changes.environment import INTRA_OP
from fitdoctor.probe.instrument import thread_settings

NAME = "TF_NUM_INTRAOP_THREADS"


@pytest.fixture(autouse=True)
def nobody_chose(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in thread_settings.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(thread_settings, "_calls", {})
    monkeypatch.setattr(thread_settings, "_assigned", {})
    yield
    os.environ.pop(NAME, None)


def test_nothing_is_found_if_nobody_chose() -> None:
    assert thread_settings.settings() == []


def test_a_variable_from_outside_has_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(NAME, "1")
    (setting,) = thread_settings.settings()
    assert (setting.name, setting.value, setting.site) == (NAME, 1, None)


def test_a_variable_that_the_script_sets_has_its_line() -> None:
    watched = thread_settings.watch_environment()
    try:
        os.environ[NAME] = "3"
    finally:
        watched.undo()
    (setting,) = thread_settings.settings()
    assert setting.site is not None
    assert setting.site.code == 'os.environ[NAME] = "3"'


@pytest.mark.parametrize("value", ["", "many", "0", "-1"])
def test_a_value_that_is_no_number_of_threads_is_ignored(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(NAME, value)
    assert thread_settings.settings() == []


def test_a_variable_that_no_library_reads_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(thread_settings.OPENMP, "1")
    monkeypatch.setattr(thread_settings, "_has_openmp", lambda: False)
    assert thread_settings.settings() == []
    monkeypatch.setattr(thread_settings, "_has_openmp", lambda: True)
    assert [setting.name for setting in thread_settings.settings()] == [thread_settings.OPENMP]


@pytest.mark.parametrize(("value", "found"), [(1, [INTRA_OP]), (0, [])])
def test_a_call_of_the_script_is_recorded(value: int, found: list[str]) -> None:
    seen: list[Any] = []
    threading = SimpleNamespace(set_intra_op_parallelism_threads=seen.append)
    thread_settings.install(cast(ModuleType, SimpleNamespace(config=SimpleNamespace(threading=threading))))
    threading.set_intra_op_parallelism_threads(value)
    assert seen == [value]
    assert [setting.name for setting in thread_settings.settings()] == found


def test_a_tensorflow_without_such_calls_is_not_patched() -> None:
    thread_settings.install(cast(ModuleType, SimpleNamespace(config=SimpleNamespace())))


@pytest.mark.parametrize(
    ("line", "files", "cores"),
    [
        ("0::/box", {"box/cpu.max": "150000 100000"}, 1.5),
        ("0::/pod/box", {"pod/cpu.max": "100000 100000", "pod/box/cpu.max": "400000 100000"}, 1.0),
        ("0::/", {"cpu.max": "max 100000"}, None),
        ("3:cpu,cpuacct:/box", {"cpu/box/cpu.cfs_quota_us": "50000", "cpu/box/cpu.cfs_period_us": "100000"}, 0.5),
        ("3:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None),
        ("nonsense", {}, None),
    ],
)
def test_the_quota_of_a_container_is_read(
    tmp_path: Path, line: str, files: dict[str, str], cores: float | None
) -> None:
    (tmp_path / "cgroup").write_text(f"{line}\n")
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    assert thread_settings.quota_cores(str(tmp_path), str(tmp_path / "cgroup")) == cores


def test_a_system_without_groups_has_no_limit(tmp_path: Path) -> None:
    assert thread_settings.quota_cores(str(tmp_path), str(tmp_path / "cgroup")) is None
