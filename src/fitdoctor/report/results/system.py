"""The machine during the training, sampled from outside its process."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """For which share of the time some work of the machine, or all of it, waited for a resource."""

    some: float
    full: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuWindow:
    """An accelerator for some seconds. From `busy_share` on, figures are means over the time; memory is the maximum."""

    device: str
    busy_share: float | None = None
    memory_used_bytes: float | None = None
    memory_bytes: int = 0
    clock_share: float | None = None
    slowed_by_heat: float | None = None
    slowed_by_power: float | None = None
    slowed_by_hardware: float | None = None
    pcie_in_bytes_per_s: float | None = None
    pcie_out_bytes_per_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemWindow:
    """The machine and the processes of the training for some seconds. None stands for what the system does not report.

    It has a field for each counter, in one flat table, as programs read them from `report.json`.
    """

    seconds: float
    # The cores that the training may use.
    cores: int = 0
    # How many of them worked for the training, for other programs, and for the host of a virtual machine.
    process_cores: float | None = None
    others_cores: float | None = None
    stolen_cores: float | None = None
    busiest_core: float | None = None
    # The share of the time that the main thread was ready to run and had no core.
    main_waited_share: float | None = None
    # How many threads of the training were ready to run and had no core, on average.
    waiting_threads: float | None = None
    # For "cpu", "memory" and "io".
    stalls: dict[str, Stall] = field(default_factory=dict)
    rss_most_bytes: float | None = None
    rss_bytes_per_s: float | None = None
    threads: float | None = None
    processes: float | None = None
    major_faults: float | None = None
    swapped_in_bytes: float | None = None
    swapped_out_bytes: float | None = None
    # Bytes of files that were read again because memory was short.
    reread_bytes: float | None = None
    # The least memory that was left, of the machine or of its control groups, and the smaller limit of the two.
    memory_left_bytes: float | None = None
    memory_limit_bytes: float | None = None
    # What the processes of the training read from disks and wrote to them.
    disk_read_bytes_per_s: float | None = None
    disk_written_bytes_per_s: float | None = None
    # What they asked to read and write, from caches included.
    read_bytes_per_s: float | None = None
    written_bytes_per_s: float | None = None
    machine_disk_read_bytes_per_s: float | None = None
    machine_disk_busy_share: float | None = None
    network_in_bytes_per_s: float | None = None
    network_out_bytes_per_s: float | None = None
    # The limit of the control group, and the share of its periods that were throttled.
    cpu_limit_cores: float | None = None
    throttled_share: float | None = None
    # The clock, as a share of the highest clock.
    clock_share: float | None = None
    heat_slowed_share: float | None = None
    gpus: tuple[GpuWindow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemSummary:
    """The machine during the whole process, and during each fit."""

    whole: SystemWindow
    # In the order of `training.fits`; None for a fit that was too short to be sampled.
    fits: tuple[SystemWindow | None, ...] = ()
    # Sentences on what slowed the largest fit down.
    remarks: tuple[str, ...] = ()
