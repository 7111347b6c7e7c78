"""Looking at the system around fits of this very process, with functions in the place of Keras'."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from fitdoctor.api import looked
from fitdoctor.api.looked import Looks, ObservingRole
from fitdoctor.probe.timing.time_ledger import Ledger
from fitdoctor.recording.model import ProcessRecord


def test_what_this_process_does_between_two_looks_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looked, "APART_S", 0.0)
    threads = threading.active_count()
    looks = Looks()
    (tmp_path / "data").write_bytes(bytes(5 << 20))
    looks.look()
    assert threading.active_count() == threads
    system = looks.end()
    written = system.series.counters["written_bytes"]
    assert written[0] is not None
    assert written[0] >= 5 << 20
    assert len(system.stretches_s) == 2
    assert (system.limits, system.gpus) == ([], [])
    assert "GPUs" not in system.missing


def test_looks_of_many_short_fits_are_few() -> None:
    looks = Looks()
    for _ in range(1000):
        looks.look()
    assert len(looks.end().stretches_s) == 1


@pytest.mark.parametrize("at", ["__init__", "tick", "close"])
def test_a_look_that_fails_is_a_limit_and_no_more(at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> None:
        raise ValueError("strange")

    monkeypatch.setattr(looked, "APART_S", 0.0)
    monkeypatch.setattr(looked.Look, at, fails)
    role = ObservingRole(ProcessRecord(), Ledger("script", started_s=time.monotonic()), lambda: None)
    role.looks = Looks()
    assert role.unit("fit", lambda model: "history", None, (), {}) == "history"
    assert role.looks.end().limits == ["What the system did meanwhile was not looked at: ValueError: strange."]
