"""All sources together, on real processes without a framework, and with each of them failing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from fitdoctor.recording.model.system import System
from fitdoctor.system import sampler
from fitdoctor.system.collector import OUTSIDE, Collector
from fitdoctor.system.sampler import Sampler, period
from fitdoctor.system.source import Reading, Target

CHILD = """\
import subprocess, sys
sys.stdin.readline()
held = bytearray(120 << 20)
code = "held = bytearray(60 << 20); print(1, flush=True); input()"
child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
sys.stdin.readline()
child.communicate(b"\\n")
"""


class Failing:
    """A source that fails at one of its calls, or that says something strange."""

    def __init__(self, at: str) -> None:
        self.at = at

    def _maybe(self, at: str) -> None:
        if at == self.at:
            raise ValueError("strange")

    def read(self) -> Reading:
        self._maybe("read")
        return Reading(counters={"count": 1.0})

    def describe(self, system: System) -> None:
        self._maybe("describe")

    def close(self) -> None:
        self._maybe("close")


def failing_open(place: Target) -> Any:
    raise ValueError("strange")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate()


def test_memory_of_a_process_and_its_child_is_sampled(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fitdoctor.system.processes.SEARCH_S", 0.0)
    monkeypatch.setattr("fitdoctor.system.processes.SEARCH_SHARE", 1e9)
    look = Collector(child.pid)
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(b"\n")
    child.stdin.flush()
    child.stdout.readline()
    look.tick()
    system = look.close()
    rss = system.series.levels["rss_bytes"].most[0]
    assert rss is not None
    assert rss >= 180 << 20
    assert system.series.levels["processes"].most == [2.0]
    assert (system.series.counters["process_cpu_s"][0] or 0) > 0
    assert system.limits == []
    assert system.cores == len(os.sched_getaffinity(0))


def test_files_are_closed_in_the_end(child: subprocess.Popen[bytes]) -> None:
    before = set(os.listdir("/proc/self/fd"))
    Collector(child.pid).close()
    assert set(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("at", ["read", "describe", "close"])
def test_a_source_that_fails_is_left_out_and_named(at: str) -> None:
    look = Collector(os.getpid(), {"good": OUTSIDE["cores"], "bad": lambda place: Failing(at)})
    look.tick()
    system = look.close()
    assert system.limits == ["Some figures of the system are unknown: reading its bad failed (ValueError: strange)."]
    assert len(system.series.counters["machine_cpu_s"]) == 1


@pytest.mark.parametrize("name", OUTSIDE)
def test_each_source_may_fail_when_it_is_opened(name: str) -> None:
    look = Collector(os.getpid(), {**OUTSIDE, name: failing_open})
    look.tick()
    (limit,) = look.close().limits
    assert f"reading its {name} failed" in limit


def test_missing_sources_are_no_failure() -> None:
    system = Collector(os.getpid(), {"nothing": lambda place: None}).close()
    assert (system.missing, system.limits) == (["nothing"], [])


def test_the_thread_takes_no_signals_and_ends(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    masks: list[set[Any]] = []

    class Masks(Failing):
        def read(self) -> Reading:
            masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, ()))
            return Reading()

    looking = Sampler({"masks": lambda place: Masks("")})
    looking.start(child.pid)
    looking.stop()
    assert {signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGUSR1} <= masks[0]
    assert not [thread for thread in threading.enumerate() if thread.name == "fitdoctor-system"]


def test_a_hanging_driver_does_not_delay_the_end(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "PATIENCE_S", 0.05)
    released = threading.Event()

    class Hangs(Failing):
        def read(self) -> Reading:
            released.wait(20)
            return Reading()

    looking = Sampler({"hangs": lambda place: Hangs("")})
    looking.start(child.pid)
    assert looking.stop().limits == [sampler.HUNG]
    released.set()


def test_sampling_without_a_free_thread_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    looking = Sampler()
    looking.start(1)
    assert "can't start new thread" in looking.stop().limits[0]


def test_a_process_that_has_ended_already() -> None:
    looking = Sampler()
    looking.start(2**22 + 1)
    system = looking.stop()
    assert system.limits == []
    assert "process_cpu_s" not in system.series.counters


@pytest.mark.parametrize(
    ("elapsed_s", "spent_s", "expected"),
    [(0, 0, 0.25), (240, 0, 1.0), (1e6, 0, 2.0), (0, 0.002, 2.0), (9e9, 0.01, 10.0)],
)
def test_sampling_takes_at_most_a_thousandth_of_a_core(elapsed_s: float, spent_s: float, expected: float) -> None:
    assert period(elapsed_s, spent_s) == pytest.approx(expected)


def test_the_record_stays_small() -> None:
    from dataclasses import asdict

    clock = iter(range(10**9))
    look = Collector(os.getpid(), OUTSIDE, clock=lambda: float(next(clock)))
    for _ in range(500):
        look.tick()
    assert len(json.dumps(asdict(look.close()))) < 400_000
