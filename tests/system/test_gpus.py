"""NVML as a module that stands in for NVIDIA's."""
# ruff: noqa: N801, N802, N815, N818 - its names are NVIDIA's

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from fitdoctor.recording.model.system import System
from fitdoctor.system import gpus
from tests.support.system_files import place


class NVMLError(Exception):
    pass


class NVMLError_NotSupported(NVMLError):
    pass


class Nvml(SimpleNamespace):
    NVMLError = NVMLError
    NVML_CLOCK_SM, NVML_PCIE_UTIL_RX_BYTES, NVML_PCIE_UTIL_TX_BYTES = 1, 1, 0
    nvmlClocksEventReasonSwPowerCap, nvmlClocksEventReasonHwThermalSlowdown = 4, 64

    def __init__(self, count: int = 2) -> None:
        super().__init__(open=0, asked=[])
        self.count = count

    def nvmlInit(self) -> None:
        self.open += 1

    def nvmlShutdown(self) -> None:
        self.open -= 1

    def nvmlDeviceGetCount(self) -> int:
        return self.count

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetName(self, handle: int) -> bytes:
        return b"NVIDIA H200"

    def nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        return SimpleNamespace(total=16 << 30, used=4 << 30)

    def nvmlDeviceGetMaxClockInfo(self, handle: int, kind: int) -> int:
        return 2000

    def nvmlDeviceGetClockInfo(self, handle: int, kind: int) -> int:
        return 1500

    def nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        self.asked.append(handle)
        if handle == 1:
            raise NVMLError_NotSupported
        return SimpleNamespace(gpu=40, memory=10)

    def nvmlDeviceGetCurrentClocksEventReasons(self, handle: int) -> int:
        return 64 | 1

    def nvmlDeviceGetPcieThroughput(self, handle: int, kind: int) -> int:
        return 2048 if kind == 1 else 1024


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Nvml:
    made = Nvml()
    monkeypatch.setitem(sys.modules, "pynvml", made)
    return made


def test_the_figures_of_a_gpu(nvml: Nvml, tmp_path: Any) -> None:
    first, second = gpus.open_sources(place(tmp_path))
    levels = first.read().levels
    assert (levels["busy_share"], levels["memory_used_bytes"], levels["clock_mhz"]) == (0.4, 4 << 30, 1500)
    assert (levels["slowed_by_heat"], levels["slowed_by_power"], levels["slowed_by_hardware"]) == (1.0, 0.0, 0.0)
    assert (levels["pcie_in_bytes_per_s"], levels["pcie_out_bytes_per_s"]) == (2 << 20, 1 << 20)
    assert "pcie_in_bytes_per_s" not in first.read().levels
    system = System()
    first.describe(system)
    assert (system.gpus[0].device, system.gpus[0].memory_bytes, system.gpus[0].clock_mhz) == (
        "NVIDIA H200",
        16 << 30,
        2000,
    )
    first.close()
    second.close()
    assert nvml.open == 0


def test_an_unsupported_figure_is_read_once(nvml: Nvml, tmp_path: Any) -> None:
    sources = gpus.open_sources(place(tmp_path))
    assert "busy_share" not in sources[1].read().levels
    assert sources[1].read().levels["clock_mhz"] == 1500
    assert nvml.asked == [1]


def test_an_older_driver_has_another_name_for_reasons(
    nvml: Nvml, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(handle: int) -> int:
        raise NVMLError("function not found")

    monkeypatch.setattr(nvml, "nvmlDeviceGetCurrentClocksEventReasons", missing, raising=False)
    monkeypatch.setattr(nvml, "nvmlDeviceGetCurrentClocksThrottleReasons", lambda handle: 4, raising=False)
    assert gpus.open_sources(place(tmp_path))[0].read().levels["slowed_by_power"] == 1.0


def test_without_a_driver_there_are_none(nvml: Nvml, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise NVMLError("Driver Not Loaded")

    monkeypatch.setattr(nvml, "nvmlInit", fails, raising=False)
    assert gpus.open_sources(place(tmp_path)) == []
