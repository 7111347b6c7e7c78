"""The activity of the machine and of a training's processes, during a fit or during the whole run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import inf, isfinite

from fitdoctor.recording.model import ProcessRecord
from fitdoctor.recording.model.system import Gpu, Level, Series, Span, System
from fitdoctor.report.model import GpuWindow, Stall, SystemWindow

LEAST_OVERLAP_S = 1e-3
# Fewer stretches give no slope of memory: they only show how it fills up.
LEAST_FOR_A_SLOPE = 8


class Window:
    """The part of a recording that lies in some spans.

    Args:
        system: The recording.
        spans: The spans. One without an end lasts to the end of the recording. None for the whole recording.
    """

    def __init__(self, system: System, spans: Sequence[Span] | None = None) -> None:
        self._system = system
        ends = [system.began_s + end for end in accumulate(system.stretches_s)]
        begins = [system.began_s, *ends][:-1]
        wanted = [Span(began_s=system.began_s)] if spans is None else spans
        self._inside_s = [
            sum(_overlap(begin, end, span) for span in wanted) for begin, end in zip(begins, ends, strict=True)
        ]
        self._shares = [
            min(1.0, inside / length) if length > 0 else 0.0
            for inside, length in zip(self._inside_s, system.stretches_s, strict=True)
        ]
        self._middles_s = [(begin + end) / 2 for begin, end in zip(begins, ends, strict=True)]
        self.seconds = sum(self._inside_s)

    def added(self, series: Series, name: str) -> float | None:
        """The growth of a counter, as far as it is known. A stretch that lies half inside counts half."""
        found = [
            value * share
            for value, share in zip(series.counters.get(name, ()), self._shares, strict=False)
            if value is not None
        ]
        return _finite(sum(found)) if found and self.seconds > 0 else None

    def rate(self, series: Series, name: str) -> float | None:
        """The growth of a counter in a second. For a counter of time, that is the share of the time."""
        added = self.added(series, name)
        return None if added is None else _finite(added / self.seconds)

    def mean(self, series: Series, name: str) -> float | None:
        """The mean of a level over time."""
        known = [(value, inside) for value, inside in self._of(series, name, "mean") if inside > 0]
        weight = sum(inside for _, inside in known)
        return _finite(sum(value * inside for value, inside in known) / weight) if weight > 0 else None

    def most(self, series: Series, name: str) -> float | None:
        return max(
            (value for value, inside in self._of(series, name, "most") if inside > LEAST_OVERLAP_S), default=None
        )

    def least(self, series: Series, name: str) -> float | None:
        return min(
            (value for value, inside in self._of(series, name, "least") if inside > LEAST_OVERLAP_S), default=None
        )

    def slope(self, series: Series, name: str) -> float | None:
        """The change of a level in a second, by a straight line with the least squares."""
        values = series.levels.get(name, Level()).mean
        points = [
            (at, value)
            for at, value, share in zip(self._middles_s, values, self._shares, strict=False)
            if value is not None and share > 0
        ]
        if len(points) < LEAST_FOR_A_SLOPE:
            return None
        middle_at, middle = (sum(column) / len(points) for column in zip(*points, strict=True))
        spread = sum((at - middle_at) * (at - middle_at) for at, _ in points)
        slope = sum((at - middle_at) * (value - middle) for at, value in points) / spread if spread > 0 else 0.0
        return _finite(slope)

    def _of(self, series: Series, name: str, column: str) -> Iterable[tuple[float, float]]:
        values: list[float | None] = getattr(series.levels.get(name, Level()), column)
        return [(value, inside) for value, inside in zip(values, self._inside_s, strict=False) if value is not None]


def run_window(scout: ProcessRecord) -> SystemWindow | None:
    """The activity during the whole run. None if nothing was sampled."""
    return _summary(scout.system, None) if scout.system is not None else None


def fit_window(scout: ProcessRecord, index: int) -> SystemWindow | None:
    """The activity during the calls of a fit. None if nothing was sampled, or if the fit was too short.

    Example:
        >>> fit_window(facts.scout, 0).process_cores
        1.7
    """
    spans = scout.fits[index].spans
    return _summary(scout.system, spans) if scout.system is not None and spans else None


def _summary(system: System, spans: Sequence[Span] | None) -> SystemWindow | None:
    window, series = Window(system, spans), system.series
    if not LEAST_OVERLAP_S < window.seconds < inf:
        return None
    used, everyone = _processors(window, series), window.rate(series, "machine_cpu_s")
    periods, held_back = window.added(series, "quota_periods"), window.added(series, "throttled_periods")
    return SystemWindow(
        seconds=window.seconds,
        cores=system.cores,
        process_cores=used,
        others_cores=None if used is None or everyone is None else max(0.0, everyone - used),
        stolen_cores=window.rate(series, "steal_s"),
        busiest_core=window.mean(series, "busiest_core"),
        main_waited_share=window.rate(series, "main_wait_s"),
        waiting_threads=window.rate(series, "threads_wait_s"),
        stalls={name: stall for name in ("cpu", "memory", "io") if (stall := _stall(window, series, name)) is not None},
        rss_most_bytes=window.most(series, "rss_bytes"),
        rss_bytes_per_s=window.slope(series, "rss_bytes"),
        threads=window.mean(series, "threads"),
        processes=window.most(series, "processes"),
        major_faults=window.added(series, "major_faults"),
        swapped_in_bytes=window.added(series, "swap_in_bytes"),
        swapped_out_bytes=window.added(series, "swap_out_bytes"),
        reread_bytes=window.added(series, "file_reread_bytes"),
        memory_left_bytes=_smaller(
            window.least(series, "memory_left_bytes"), window.least(series, "group_memory_left_bytes")
        ),
        memory_limit_bytes=_smaller(system.memory_bytes or None, system.memory_limit_bytes),
        disk_read_bytes_per_s=window.rate(series, "disk_read_bytes"),
        disk_written_bytes_per_s=window.rate(series, "disk_written_bytes"),
        read_bytes_per_s=window.rate(series, "read_bytes"),
        written_bytes_per_s=window.rate(series, "written_bytes"),
        machine_disk_read_bytes_per_s=window.rate(series, "machine_disk_read_bytes"),
        machine_disk_busy_share=window.rate(series, "machine_disk_busy_s"),
        network_in_bytes_per_s=window.rate(series, "network_in_bytes"),
        network_out_bytes_per_s=window.rate(series, "network_out_bytes"),
        cpu_limit_cores=system.cpu_limit_cores,
        throttled_share=_finite(held_back / periods) if periods and held_back is not None else None,
        clock_share=window.mean(series, "clock_share"),
        heat_slowed_share=window.rate(series, "heat_slowed_s"),
        gpus=tuple(_gpu(window, gpu) for gpu in system.gpus),
    )


def _stall(window: Window, series: Series, name: str) -> Stall | None:
    some, full = window.rate(series, f"pressure_{name}_some_s"), window.rate(series, f"pressure_{name}_full_s")
    return None if some is None else Stall(some=min(1.0, some), full=None if full is None else min(1.0, full))


def _gpu(window: Window, gpu: Gpu) -> GpuWindow:
    series = gpu.series
    clock = window.mean(series, "clock_mhz")
    return GpuWindow(
        device=gpu.device,
        busy_share=window.mean(series, "busy_share"),
        memory_used_bytes=window.most(series, "memory_used_bytes"),
        memory_bytes=gpu.memory_bytes,
        clock_share=_finite(clock / gpu.clock_mhz) if clock is not None and gpu.clock_mhz > 0 else None,
        slowed_by_heat=window.mean(series, "slowed_by_heat"),
        slowed_by_power=window.mean(series, "slowed_by_power"),
        slowed_by_hardware=window.mean(series, "slowed_by_hardware"),
        pcie_in_bytes_per_s=window.mean(series, "pcie_in_bytes_per_s"),
        pcie_out_bytes_per_s=window.mean(series, "pcie_out_bytes_per_s"),
    )


def _overlap(begin: float, end: float, span: Span) -> float:
    return max(0.0, min(end, end if span.ended_s is None else span.ended_s) - max(begin, span.began_s))


def _finite(value: float) -> float | None:
    """None for an infinite value: no figure of a report is infinite, whatever a recording holds."""
    return value if isfinite(value) else None


def _processors(window: Window, series: Series) -> float | None:
    """How many cores the process used.

    The processor time of the process counts in ticks of 10 ms, of which a short fit may have none. The time of the main
    thread is exact.
    """
    known = (rate for name in ("process_cpu_s", "main_cpu_s") if (rate := window.rate(series, name)) is not None)
    return max(known, default=None)


def _smaller(first: float | None, second: float | None) -> float | None:
    return min((each for each in (first, second) if each is not None), default=None)
