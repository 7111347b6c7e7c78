"""Memory as a folder like /proc tells it, and a child that would fill all of it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from fitdoctor.process import memory_watch
from fitdoctor.process.memory_watch import MemoryWatch, available_memory, reserved_bytes

GB = 1 << 30


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(memory_watch, "PROC", tmp_path / "proc")
    monkeypatch.setattr(memory_watch, "GROUPS", tmp_path / "groups")
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "meminfo").write_text(f"MemTotal: {16 * GB >> 10} kB\nMemAvailable: {8 * GB >> 10} kB\n")
    return tmp_path


def group(machine: Path, line: str, folder: str, **files: object) -> None:
    with (machine / "proc" / "self" / "cgroup").open("a") as file:
        file.write(line + "\n")
    place = machine / "groups" / folder
    place.mkdir(parents=True, exist_ok=True)
    for name, value in files.items():
        (place / name.replace("__", ".")).write_text(f"{value}\n")


def test_without_groups_the_memory_of_the_machine_counts(machine: Path) -> None:
    assert available_memory() == (8 * GB, 16 * GB)


def test_a_group_with_less_memory_counts(machine: Path) -> None:
    stat = f"anon 1\ninactive_file {GB}"
    group(machine, "0::/docker/abc", "docker/abc", memory__max=4 * GB, memory__current=3 * GB, memory__stat=stat)
    assert available_memory() == (2 * GB, 4 * GB)


def test_a_parent_group_counts(machine: Path) -> None:
    group(machine, "0::/pod/box", "pod", memory__max=2 * GB, memory__current=GB)
    assert available_memory() == (GB, 2 * GB)


def test_a_group_without_a_limit_is_ignored(machine: Path) -> None:
    group(machine, "0::/", "", memory__max="max", memory__current=GB)
    group(machine, "4:memory:/", "memory", memory__limit_in_bytes=(1 << 63) - 4096, memory__usage_in_bytes=GB)
    assert available_memory() == (8 * GB, 16 * GB)


def test_groups_of_version_1_are_read(machine: Path) -> None:
    stat = f"total_inactive_file {GB // 2}"
    files = {"memory__limit_in_bytes": GB, "memory__usage_in_bytes": GB, "memory__stat": stat}
    group(machine, "7:cpu,memory:/user", "memory/user", **files)
    assert available_memory() == (GB // 2, GB)


def test_without_memory_figures_nothing_is_watched(machine: Path) -> None:
    (machine / "proc" / "meminfo").unlink()
    assert available_memory() is None
    assert not memory_watch.can_be_watched()
    watch = MemoryWatch(1, lambda: pytest.fail("it can't tell"))
    watch.stop()
    assert (watch.why, watch.peak_bytes) == ("", 0)


@pytest.mark.parametrize(("total_gb", "mb"), [(2, 500), (16, 819), (512, 2048)])
def test_reserved_memory_depends_on_the_total(total_gb: int, mb: int) -> None:
    assert reserved_bytes(total_gb * GB) >> 20 == mb


@pytest.fixture
def hungry(tmp_path: Path) -> subprocess.Popen[bytes]:
    program = "import subprocess, sys, time\nheld = bytearray(80 << 20)\ntime.sleep(60)\n"
    return subprocess.Popen([sys.executable, "-c", program], start_new_session=True)


def test_a_child_is_ended_before_memory_runs_out(
    hungry: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = iter([(2 * GB, 4 * GB), (2 * GB, 4 * GB), (2 * GB, 4 * GB)])
    monkeypatch.setattr(memory_watch, "available_memory", lambda: next(figures, (400 << 20, 4 * GB)))
    ended = threading.Event()

    def end() -> None:
        hungry.kill()
        ended.set()

    watch = MemoryWatch(hungry.pid, end)
    assert ended.wait(20)
    hungry.wait()
    watch.stop()
    assert watch.why.startswith("memory: ")
    assert "only 0.4 GB of 4.3 GB were left" in watch.why


def test_a_machine_short_of_memory_from_the_start_ends_no_child(
    hungry: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_watch, "available_memory", lambda: (300 << 20, 4 * GB))
    watch = MemoryWatch(hungry.pid, lambda: pytest.fail("it was short before"))
    until_s = time.monotonic() + 20
    while watch.peak_bytes < 80 << 20 and time.monotonic() < until_s:
        time.sleep(0.05)
    hungry.kill()
    hungry.wait()
    watch.stop()
    assert watch.peak_bytes >= 80 << 20
    assert watch.why == ""
