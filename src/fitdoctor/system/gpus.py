"""NVIDIA's accelerators through NVML: their load, memory, clocks, throttling, and PCIe traffic."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fitdoctor.recording.model.system import Gpu, System
from fitdoctor.system.source import Reading, Target

# The most accelerators that are followed. One machine rarely has more.
MOST = 8
# The link is read at every so many readings, because the driver waits 20 ms for each direction.
RARELY = 4

HEAT = ("SwThermalSlowdown", "HwThermalSlowdown")
POWER = ("SwPowerCap", "HwPowerBrakeSlowdown")
HARDWARE = ("HwSlowdown",)
# NVML's reasons for lower clocks. Idle and chosen clocks are not among them.
REASONS = {"slowed_by_heat": HEAT, "slowed_by_power": POWER, "slowed_by_hardware": HARDWARE}

# Errors after which a figure is not read again. Other errors may pass.
GONE = ("NotSupported", "NoPermission", "FunctionNotFound", "InvalidArgument")


def open_sources(_place: Target) -> list[GpuSource]:
    """Opens a source for each accelerator. Empty if there is no driver."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # noqa: BLE001 - without a driver, a library or permission, nothing can be read
        return []
    try:
        count = min(MOST, pynvml.nvmlDeviceGetCount())
        return [GpuSource(pynvml, index) for index in range(count)]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()  # the library counts its users


class GpuSource:
    """One accelerator.

    Args:
        nvml: The module `pynvml`.
        index: Its index in NVML, which ignores CUDA_VISIBLE_DEVICES.
    """

    def __init__(self, nvml: Any, index: int) -> None:
        self._nvml, self.owner = nvml, str(index)
        nvml.nvmlInit()
        self._handle = nvml.nvmlDeviceGetHandleByIndex(index)
        self._bits = {name: sum(self._bit(reason) for reason in reasons) for name, reasons in REASONS.items()}
        self._asked: list[Callable[[], dict[str, float]]] = [
            self._utilisation,
            self._memory,
            self._clocks,
            self._reasons,
        ]
        self._link: list[Callable[[], dict[str, float]]] = [self._pcie]
        self._looks = 0

    def read(self) -> Reading:
        levels: dict[str, float] = {}
        self._ask(self._asked, levels)
        if self._looks % RARELY == 0:
            self._ask(self._link, levels)
        self._looks += 1
        return Reading(levels=levels)

    def describe(self, system: System) -> None:
        known: dict[str, Any] = {}
        for name, ask in (
            ("device", lambda: _name(self._nvml.nvmlDeviceGetName(self._handle))),
            ("memory_bytes", lambda: int(self._nvml.nvmlDeviceGetMemoryInfo(self._handle).total)),
            ("clock_mhz", lambda: float(self._nvml.nvmlDeviceGetMaxClockInfo(self._handle, self._nvml.NVML_CLOCK_SM))),
        ):
            try:
                known[name] = ask()
            except self._nvml.NVMLError:
                continue
        system.gpus.append(Gpu(**known))

    def close(self) -> None:
        self._nvml.nvmlShutdown()

    def _ask(self, questions: list[Callable[[], dict[str, float]]], levels: dict[str, float]) -> None:
        for question in list(questions):
            try:
                levels |= question()
            except self._nvml.NVMLError as error:
                if type(error).__name__.removeprefix("NVMLError_") in GONE:
                    questions.remove(question)

    def _utilisation(self) -> dict[str, float]:
        rates = self._nvml.nvmlDeviceGetUtilizationRates(self._handle)
        return {"busy_share": rates.gpu / 100, "memory_busy_share": rates.memory / 100}

    def _memory(self) -> dict[str, float]:
        return {"memory_used_bytes": float(self._nvml.nvmlDeviceGetMemoryInfo(self._handle).used)}

    def _clocks(self) -> dict[str, float]:
        return {"clock_mhz": float(self._nvml.nvmlDeviceGetClockInfo(self._handle, self._nvml.NVML_CLOCK_SM))}

    def _reasons(self) -> dict[str, float]:
        newer = getattr(self._nvml, "nvmlDeviceGetCurrentClocksEventReasons", None)
        try:
            found = (newer or self._nvml.nvmlDeviceGetCurrentClocksThrottleReasons)(self._handle)
        except self._nvml.NVMLError:
            if newer is None:
                raise
            found = self._nvml.nvmlDeviceGetCurrentClocksThrottleReasons(self._handle)  # its name in older drivers
        return {name: float(bool(found & bits)) for name, bits in self._bits.items()}

    def _pcie(self) -> dict[str, float]:
        ask, nvml = self._nvml.nvmlDeviceGetPcieThroughput, self._nvml
        received, sent = (
            ask(self._handle, nvml.NVML_PCIE_UTIL_RX_BYTES),
            ask(self._handle, nvml.NVML_PCIE_UTIL_TX_BYTES),
        )
        return {"pcie_in_bytes_per_s": received * 1024.0, "pcie_out_bytes_per_s": sent * 1024.0}

    def _bit(self, reason: str) -> int:
        older = getattr(self._nvml, f"nvmlClocksThrottleReason{reason}", 0)
        return int(getattr(self._nvml, f"nvmlClocksEventReason{reason}", older))


def _name(found: str | bytes) -> str:
    """Decodes a text. Older versions of the library return bytes."""
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else str(found)
