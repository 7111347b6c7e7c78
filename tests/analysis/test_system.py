"""Remarks of a report on the machine: none where nothing slowed the training down."""

from __future__ import annotations

from typing import Any

import pytest

from fitdoctor.analysis import build
from fitdoctor.recording.model import Run
from fitdoctor.recording.model.system import Gpu, Level, Series, Span, System
from fitdoctor.report.json import from_json, to_json
from fitdoctor.report.text import render
from tests.support import builders as make

SECONDS = 10


def run(counters: dict[str, float] | None = None, levels: dict[str, float] | None = None, **changed: Any) -> Run:
    """A training on two cores, of which every second looked the same."""
    made = make.watched(make.fit(spans=[Span(began_s=0.0, ended_s=float(SECONDS))]))
    assert made.watched is not None
    made.watched.system = System(
        stretches_s=[1.0] * SECONDS, cores=2, series=series(counters or {}, levels or {}), **changed
    )
    return made


def series(counters: dict[str, float], levels: dict[str, float]) -> Series:
    return Series(
        counters={name: [value] * SECONDS for name, value in counters.items()},
        levels={name: Level(mean=[v] * SECONDS, least=[v] * SECONDS, most=[v] * SECONDS) for name, v in levels.items()},
    )


def remarks(made: Run) -> tuple[str, ...]:
    report = build(made)
    assert report.system is not None
    assert from_json(to_json(report)) == report
    text = render(report, width=120)
    assert ("The machine" in text) == bool(report.system.remarks)
    return report.system.remarks


QUIET = {
    "process_cpu_s": 1.8,
    "machine_cpu_s": 1.9,
    "main_wait_s": 0.02,
    "pressure_cpu_some_s": 0.04,
    "swap_in_bytes": 0.0,
}


def test_a_quiet_machine_gets_no_remark() -> None:
    assert remarks(run(QUIET, {"clock_share": 0.95})) == ()


def test_figures_are_reported_without_remarks() -> None:
    report = build(run(QUIET))
    assert report.system is not None
    (fit,) = report.system.fits
    assert fit is not None
    assert (fit.process_cores, fit.seconds) == (pytest.approx(1.8), 10.0)


@pytest.mark.parametrize(
    ("counters", "levels", "changed", "said"),
    [
        (
            {"process_cpu_s": 1.0, "machine_cpu_s": 1.9, "main_wait_s": 0.3},
            {},
            {},
            "Other programs used 0.9 of 2 cores",
        ),
        (
            {"process_cpu_s": 1.0, "machine_cpu_s": 1.9, "main_wait_s": 0.3},
            {},
            {},
            "waited for a core 30 % of the time",
        ),
        ({"steal_s": 0.5}, {}, {}, "took 25 % of the time of its cores"),
        (
            {"quota_periods": 10, "throttled_periods": 4},
            {},
            {"cpu_limit_cores": 1.5},
            "limited to 1.5 cores, and was throttled in 40 %",
        ),
        ({"swap_in_bytes": 5e7, "swap_out_bytes": 1e8}, {}, {}, "1.0 GB were swapped out and 500 MB swapped in"),
        (
            {"pressure_memory_some_s": 0.1},
            {"memory_left_bytes": 2e8},
            {},
            "10 % of the time, a program waited for memory; 200 MB were left",
        ),
        ({"pressure_io_some_s": 0.5, "pressure_io_full_s": 0.3}, {}, {}, "For 30 % of the fit"),
        ({"heat_slowed_s": 0.2}, {"clock_share": 0.5}, {}, "throttled because of heat for 20 %"),
        ({"process_cpu_s": 1.5}, {"clock_share": 0.5}, {}, "ran at 50 % of their highest clock"),
    ],
)
def test_each_slowdown_gets_a_remark(
    counters: dict[str, float], levels: dict[str, float], changed: Any, said: str
) -> None:
    (remark,) = remarks(run(counters, levels, **changed))
    assert said in remark


def test_idle_cores_and_harmless_neighbours_get_no_remark() -> None:
    assert remarks(run({"process_cpu_s": 0.1, "machine_cpu_s": 0.9}, {"clock_share": 0.3})) == ()


@pytest.mark.parametrize(("devices", "count"), [(["CPU:0", "NVIDIA H200"], 2), (["CPU:0"], 0)])
def test_a_gpu_gets_remarks_only_if_the_training_runs_on_it(devices: list[str], count: int) -> None:
    gpu = Gpu(
        device="NVIDIA H200", series=series({}, {"busy_share": 0.2, "slowed_by_heat": 0.5, "slowed_by_power": 0.01})
    )
    made = run(QUIET, gpus=[gpu])
    assert made.watched is not None
    made.watched.environment["devices"] = devices
    found = remarks(made)
    assert len(found) == count
    if found:
        assert found == (
            "GPU 0 was idle for 80 % of the fit.",
            "GPU 0 was throttled because of heat for 50 % of the fit.",
        )


def test_a_failed_sampler_is_a_limit() -> None:
    assert "reading its GPUs failed" in " ".join(build(run(limits=["reading its GPUs failed"])).limits)


def test_a_run_without_samples_has_a_report() -> None:
    assert build(make.watched(make.fit())).system is None
