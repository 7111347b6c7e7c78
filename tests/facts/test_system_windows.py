from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fitdoctor.facts.system_windows import fit_window, run_window
from fitdoctor.recording.model import ProcessRecord
from fitdoctor.recording.model.system import Gpu, Level, Series, Span, System
from tests.support import builders as make

values = st.lists(st.none() | st.floats(0, 1.7e308), max_size=12)
levels = st.builds(Level, mean=values, least=values, most=values)
any_series = st.builds(
    Series,
    counters=st.dictionaries(
        st.sampled_from(["process_cpu_s", "quota_periods", "pressure_io_full_s", "pressure_io_some_s"]), values
    ),
    levels=st.dictionaries(st.sampled_from(["rss_bytes", "busy_share", "clock_mhz"]), levels),
)


def steady(*each: float) -> Level:
    return Level(mean=list(each), least=list(each), most=list(each))


def scout(spans: list[Span], stretches: int = 4, **changed: Any) -> ProcessRecord:
    """Stretches of a second from the tenth second on."""
    system = System(began_s=10.0, stretches_s=[1.0] * stretches, cores=4, **changed)
    return ProcessRecord(fits=[make.fit(spans=spans)], system=system)


def counted(name: str, *each: float | None) -> Series:
    return Series(counters={name: list(each)})


def test_only_time_inside_the_calls_of_a_fit_counts() -> None:
    spans = [Span(began_s=10.5, ended_s=12.0), Span(began_s=13.0, ended_s=13.5)]
    series = Series(
        counters={"process_cpu_s": [2.0, 3.0, 100.0, 1.0], "machine_cpu_s": [2.0, 4.0, 100.0, 3.0]},
        levels={"rss_bytes": steady(10, 20, 99, 30), "threads": steady(1, 2, 99, 8)},
    )
    seen = fit_window(scout(spans, series=series), 0)
    assert seen is not None
    assert seen.seconds == 2.0
    assert seen.process_cores == pytest.approx((1.0 + 3.0 + 0.5) / 2)
    assert seen.others_cores == pytest.approx((1.0 + 4.0 + 1.5) / 2 - 4.5 / 2)
    assert seen.rss_most_bytes == 30
    assert seen.threads == pytest.approx((0.5 * 1 + 1.0 * 2 + 0.5 * 8) / 2)


def test_a_fit_shorter_than_a_tick_uses_the_time_of_its_main_thread() -> None:
    counters: dict[str, list[float | None]] = {
        "process_cpu_s": [0.0, 2.0],
        "main_cpu_s": [0.25, 0.5],
        "machine_cpu_s": [0.0, 2.0],
    }
    for began_s, used in ((10.0, 0.25), (11.0, 2.0)):
        seen = fit_window(
            scout([Span(began_s=began_s, ended_s=began_s + 1)], stretches=2, series=Series(counters=counters)), 0
        )
        assert seen is not None
        assert (seen.process_cores, seen.others_cores) == (used, 0.0)


def test_a_fit_that_never_ended_lasts_as_long_as_the_record() -> None:
    seen = fit_window(scout([Span(began_s=12.0)], series=counted("major_faults", 1, 1, 5, 7)), 0)
    assert seen is not None
    assert (seen.seconds, seen.major_faults) == (2.0, 12.0)


def test_figures_that_were_not_sampled_are_none() -> None:
    assert fit_window(ProcessRecord(fits=[make.fit(spans=[Span(began_s=1.0)])]), 0) is None
    assert fit_window(scout([]), 0) is None
    assert fit_window(scout([Span(began_s=50.0, ended_s=60.0)]), 0) is None
    assert run_window(ProcessRecord()) is None


def test_shares_of_pressure_and_limits() -> None:
    series = Series(
        counters={
            "pressure_memory_some_s": [0.5, 0.5, 0.0, 0.0],
            "pressure_memory_full_s": [0.2, 0.0, 0.0, 0.0],
            "quota_periods": [10.0, 10.0, 10.0, 10.0],
            "throttled_periods": [5.0, 5.0, None, 0.0],
        },
        levels={"memory_left_bytes": steady(9, 8, 7, 9), "group_memory_left_bytes": steady(9, 5, 9, 9)},
    )
    seen = run_window(scout([], series=series, cpu_limit_cores=1.5, memory_bytes=100, memory_limit_bytes=50))
    assert seen is not None
    assert (seen.stalls["memory"].some, seen.stalls["memory"].full) == (0.25, pytest.approx(0.05))
    assert "cpu" not in seen.stalls
    assert (seen.throttled_share, seen.cpu_limit_cores) == (0.25, 1.5)
    assert (seen.memory_left_bytes, seen.memory_limit_bytes) == (5, 50)


def test_the_slope_of_memory() -> None:
    growing = Series(levels={"rss_bytes": steady(*(100.0 + 5 * at for at in range(12)))})
    seen = run_window(scout([], stretches=12, series=growing))
    assert seen is not None
    assert seen.rss_bytes_per_s == pytest.approx(5.0)


def test_the_figures_of_a_gpu_during_a_fit() -> None:
    series = Series(levels={"busy_share": steady(0.2, 0.4, 0.6, 0.8), "clock_mhz": steady(1500, 1500, 1500, 1500)})
    gpu = Gpu(device="NVIDIA H200", memory_bytes=100, clock_mhz=2000, series=series)
    seen = fit_window(scout([Span(began_s=12.0, ended_s=14.0)], gpus=[gpu]), 0)
    assert seen is not None
    (told,) = seen.gpus
    assert (told.busy_share, told.clock_share, told.slowed_by_heat) == (pytest.approx(0.7), 0.75, None)


systems = st.builds(
    System,
    stretches_s=st.lists(st.floats(0, 1e308), max_size=12),
    series=any_series,
    gpus=st.lists(st.builds(Gpu, series=any_series, clock_mhz=st.floats(0, 1e4)), max_size=1),
)


SLOW_CLOCK = Gpu(clock_mhz=0.5, series=Series(levels={"clock_mhz": steady(1.7e308)}))


@given(systems)
@example(System(stretches_s=[1.0], gpus=[SLOW_CLOCK]))
@settings(deadline=None)
def test_no_record_makes_an_infinite_figure(system: System) -> None:
    seen = run_window(ProcessRecord(system=system))
    json.dumps(asdict(seen) if seen is not None else None, allow_nan=False)
