"""Readings of the system around fits of this process, with fake fits."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.api import system_readings
from fitdoctor.api.system_readings import ObservingRole, SystemReadings
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import ProcessRecord


def test_io_of_this_process_between_two_readings_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_readings, "MIN_INTERVAL_S", 0.0)
    threads = threading.active_count()
    readings = SystemReadings()
    (tmp_path / "data").write_bytes(bytes(5 << 20))
    readings.read()
    assert threading.active_count() == threads
    system = readings.end()
    written = system.series.counters["written_bytes"]
    assert written[0] is not None
    assert written[0] >= 5 << 20
    assert len(system.stretches_s) == 2
    assert (system.limits, system.gpus) == ([], [])
    assert "GPUs" not in system.missing


def test_many_short_fits_cause_few_readings() -> None:
    readings = SystemReadings()
    for _ in range(1000):
        readings.read()
    assert len(readings.end().stretches_s) == 1


@pytest.mark.parametrize("at", ["__init__", "tick", "close"])
def test_a_failing_reading_becomes_a_limit(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("strange")

    monkeypatch.setattr(system_readings, "MIN_INTERVAL_S", 0.0)
    monkeypatch.setattr(system_readings.Collector, at, fails)
    role = ObservingRole(ProcessRecord(), Ledger("script", started_s=time.monotonic()), lambda: None)
    role.readings = SystemReadings()
    assert role.unit("fit", lambda model: "history", None, (), {}) == "history"
    assert role.readings.end().limits == ["The system was not observed: ValueError: strange."]
