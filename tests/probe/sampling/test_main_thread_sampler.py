from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from fitdoctor.probe.sampling.main_thread_sampler import MainThreadSampler, own_work


def work(seconds: float) -> None:
    end_s = time.perf_counter() + seconds
    while time.perf_counter() < end_s:
        sum(range(200))


def test_time_is_charged_to_the_lines_that_run() -> None:
    lines = MainThreadSampler("start", own_work)
    lines.start()
    work(0.3)
    found = lines.stop()
    assert (found[0].where, found[0].site.function) == ("start", "work")
    assert 0.0 < sum(line.share for line in found) <= lines.share <= 1.0


def test_the_sampling_ends_by_its_condition() -> None:
    lines = MainThreadSampler("first step", own_work, until=lambda: True)
    lines.start()
    work(0.1)
    assert lines.stop() == []


def test_imports_of_packages_are_charged_to_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packages = tmp_path / "site-packages"
    packages.mkdir()
    (packages / "slow_to_import.py").write_text("import time\ntime.sleep(0.2)\n")
    monkeypatch.syspath_prepend(packages)
    lines = MainThreadSampler("start", own_work)
    lines.start()
    importlib.import_module("slow_to_import")
    assert lines.stop() == []
