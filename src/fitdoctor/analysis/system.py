"""What the report says of the machine: the figures of each fit, and remarks on what slowed the training down."""

from __future__ import annotations

from collections.abc import Iterator

from fitdoctor.facts.facts import Facts
from fitdoctor.facts.system_windows import fit_window, run_window
from fitdoctor.report.model import GpuWindow, SystemSummary, SystemWindow
from fitdoctor.wording import percent, size

# The share of the time from which on there is a remark. Two runs of one script differ by less.
MATTERS = 0.05

# The share of the cores that other programs use.
TAKEN_BY_OTHERS = 0.25

# Bytes that are swapped in. A system swaps out unused memory even where it has enough.
SWAPPED_BYTES = 64 << 20

# The share of the time that work waits for memory. It is near zero on a machine that has enough.
SHORT_OF_MEMORY = 0.02

# The share of the time that the GPU of the training is busy.
IDLE_GPU = 0.5

# The share of the highest clock. Idle cores lower their clock, so this counts only for busy ones.
SLOW_CLOCK = 0.7


def system(facts: Facts) -> SystemSummary | None:
    """Returns the figures of the process and of each fit, in the order of `training.fits`; None without samples."""
    process = run_window(facts.scout)
    if process is None:
        return None
    fits = tuple(fit_window(facts.scout, fit.index) for fit in facts.fits)
    largest = max(facts.fits, key=lambda fit: facts.share(fit.id), default=None)
    shown = fits[largest.index] if largest is not None else None
    return SystemSummary(
        whole=process, fits=fits, remarks=tuple(_remarks(shown, on_gpu(facts))) if shown is not None else ()
    )


def on_gpu(facts: Facts) -> bool:
    """Whether the framework runs on an accelerator, as far as its devices are known."""
    devices = facts.scout.environment.get("devices")
    return isinstance(devices, list) and any("cpu" not in str(device).lower() for device in devices)


def _remarks(window: SystemWindow, with_gpu: bool) -> Iterator[str]:
    yield from _cores(window)
    yield from _memory(window)
    stall = window.stalls.get("io")
    if stall is not None and (stall.full or 0.0) >= MATTERS:
        yield f"For {percent(stall.full or 0.0)} of the fit, all programs of this machine waited for a disk."
    if with_gpu:
        for number, gpu in enumerate(window.gpus):
            yield from _gpu(f"GPU {number}", gpu, alone=len(window.gpus) == 1)


def _cores(window: SystemWindow) -> Iterator[str]:
    others, waited, cores = window.others_cores or 0.0, window.main_waited_share or 0.0, window.cores
    if cores and others >= TAKEN_BY_OTHERS * cores and max(waited, _some(window, "cpu")) >= MATTERS:
        words = f"Other programs used {others:.1f} of {cores} cores during the training."
        yield (
            f"{words} Its main thread waited for a core {percent(waited)} of the time." if waited >= MATTERS else words
        )
    if cores and (window.stolen_cores or 0.0) >= MATTERS * cores:
        stolen = percent((window.stolen_cores or 0.0) / cores)
        yield f"The host of this virtual machine took {stolen} of the time of its cores."
    if (window.throttled_share or 0.0) >= MATTERS and window.cpu_limit_cores:
        share = percent(window.throttled_share or 0.0)
        limit = f"{window.cpu_limit_cores:g} cores"
        yield f"Its container is limited to {limit}, and was throttled in {share} of all periods."
    slow = window.clock_share is not None and window.clock_share < SLOW_CLOCK
    busy = bool(cores) and (window.process_cores or 0.0) + others >= cores / 2
    if (window.heat_slowed_share or 0.0) >= MATTERS:
        yield f"The processor was throttled because of heat for {percent(window.heat_slowed_share or 0.0)} of the time."
    elif slow and busy:
        yield f"The cores ran at {percent(window.clock_share or 0.0)} of their highest clock."


def _memory(window: SystemWindow) -> Iterator[str]:
    inward, outward = window.swapped_in_bytes or 0.0, window.swapped_out_bytes or 0.0
    if inward >= SWAPPED_BYTES:
        yield f"Memory was short: {size(outward)} were swapped out and {size(inward)} swapped in during the training."
    elif _some(window, "memory") >= SHORT_OF_MEMORY:
        left = f"; {size(window.memory_left_bytes)} were left" if window.memory_left_bytes is not None else ""
        yield f"For {percent(_some(window, 'memory'))} of the time, a program waited for memory{left}."


def _gpu(name: str, gpu: GpuWindow, *, alone: bool) -> Iterator[str]:
    if alone and gpu.busy_share is not None and gpu.busy_share < IDLE_GPU:
        yield f"{name} was idle for {percent(1 - gpu.busy_share)} of the fit."
    for share, why in (
        (gpu.slowed_by_heat, "heat"),
        (gpu.slowed_by_power, "its power limit"),
        (gpu.slowed_by_hardware, "its hardware"),
    ):
        if share is not None and share >= MATTERS:
            yield f"{name} was throttled because of {why} for {percent(share)} of the fit."


def _some(window: SystemWindow, resource: str) -> float:
    stall = window.stalls.get(resource)
    return stall.some if stall is not None else 0.0
