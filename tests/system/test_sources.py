"""Each source reads files as a kernel writes them, copied into a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitdoctor import proc_stat
from fitdoctor.recording.model.system import System
from fitdoctor.system import clocks, cores, disks, groups, memory, network, pressure, processes
from fitdoctor.system.cores import TICK_S
from fitdoctor.system.kernel_files import named_numbers, number
from fitdoctor.system.processes import PAGE
from fitdoctor.system.source import Source
from tests.support.system_files import CORES, PID, place, process, write

GB = 1 << 30


def described(source: Source) -> System:
    system = System()
    source.describe(system)
    source.close()
    return system


def test_only_allowed_cores_count(tmp_path: Path) -> None:
    write(tmp_path / "proc" / "stat", CORES.format(1000, 0, 0, 0))
    source = cores.open_source(place(tmp_path, 1))
    assert source is not None
    assert source.read().counters == {"machine_cpu_s": 0.0, "io_wait_s": 0.0, "steal_s": 0.0}
    write(tmp_path / "proc" / "stat", CORES.format(1500, 500, 300, 100))
    reading = source.read()
    assert reading.counters["machine_cpu_s"] == pytest.approx(300 * TICK_S)
    assert reading.levels == {"busiest_core": 0.75, "cores_in_use": 1.0}
    system = described(source)
    assert (system.cores, system.core_busy_s) == (1, pytest.approx([500 * TICK_S, 300 * TICK_S]))


def test_a_process_and_its_children(tmp_path: Path) -> None:
    process(tmp_path, user=100, pages=10, threads=3, faults=4, wait_s=2.0, read=1000)
    process(tmp_path, 41, parent=PID, user=50, child=25, pages=5, written=4000)
    process(tmp_path, 42, parent=41, user=1, pages=1)
    process(tmp_path, 43, parent=1, user=999, pages=999)
    source = processes.open_source(place(tmp_path))
    assert source is not None
    reading = source.read()
    source.close()
    assert reading.levels == {"rss_bytes": 16.0 * PAGE, "threads": 5.0, "processes": 3.0}
    assert reading.counters["process_cpu_s"] == pytest.approx(176 * TICK_S)
    assert reading.counters["major_faults"] == 4 + 2 * 3
    assert (reading.counters["read_bytes"], reading.counters["disk_written_bytes"]) == (1000, 2000)
    assert (reading.counters["main_cpu_s"], reading.counters["main_wait_s"]) == (1.0, 2.0)


def test_new_children_are_added_and_ended_ones_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SEARCH_S", 0.0)
    monkeypatch.setattr(processes, "SEARCH_SHARE", 1e9)
    process(tmp_path, pages=10)
    source = processes.open_source(place(tmp_path))
    assert source is not None
    assert source.read().levels["processes"] == 1
    process(tmp_path, 41, parent=PID, pages=5)
    assert source.read().levels["rss_bytes"] == 15 * PAGE
    for path in sorted((tmp_path / "proc" / "41").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (tmp_path / "proc" / "41").rmdir()
    assert source.read().levels["rss_bytes"] == 10 * PAGE
    source.close()


def test_pressure_of_the_machine(tmp_path: Path) -> None:
    for name in ("cpu", "memory", "io"):
        text = "some avg10=0.00 avg60=0.03 avg300=0.11 total=9566747\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=5\n"
        write(tmp_path / "proc" / "pressure" / name, text)
    source = pressure.open_source(place(tmp_path))
    assert source is not None
    assert source.read().counters["pressure_io_some_s"] == pytest.approx(9.566747)
    assert len(source.read().counters) == 6
    source.close()


def test_pressure_of_a_container_that_hides_the_machines(tmp_path: Path) -> None:
    assert pressure.open_source(place(tmp_path)) is None
    write(tmp_path / "proc" / str(PID) / "cgroup", "0::/box\n")
    write(tmp_path / "sys" / "fs" / "cgroup" / "box" / "memory.pressure", "some avg10=0.00 total=2000000\n")
    source = pressure.open_source(place(tmp_path))
    assert source is not None
    assert source.read().counters == {"pressure_memory_some_s": 2.0}
    source.close()


def test_memory_of_the_machine(tmp_path: Path) -> None:
    lines = "MemTotal: 16384 kB\nMemAvailable: 8192 kB\nCached: 1024 kB\nSwapTotal: 4096 kB\nSwapFree: 1024 kB\n"
    write(tmp_path / "proc" / "meminfo", lines)
    write(tmp_path / "proc" / "vmstat", "nr_free_pages 7\npswpin 3\npswpout 5\nworkingset_refault_file 2\n")
    source = memory.open_source(place(tmp_path))
    assert source is not None
    reading = source.read()
    assert reading.counters == {"swap_in_bytes": 3 * PAGE, "swap_out_bytes": 5 * PAGE, "file_reread_bytes": 2 * PAGE}
    assert reading.levels == {"memory_left_bytes": 8 << 20, "file_cache_bytes": 1 << 20, "swap_used_bytes": 3 << 20}
    system = described(source)
    assert (system.memory_bytes, system.swap_bytes) == (16 << 20, 4 << 20)


def test_partitions_and_files_do_not_count_as_disks(tmp_path: Path) -> None:
    for name in ("vda", "loop0", "dm-0"):
        (tmp_path / "sys" / "block" / name).mkdir(parents=True)
    line = "254 0 {} 9 0 {} 5 3 0 {} 6 0 {} 7 0 0 0 0 0 0\n"
    table = "".join(line.format(name, 2, 4, "{0}") for name in ("vda", "vda1", "loop0", "dm-0"))
    write(tmp_path / "proc" / "diskstats", table.format(1500))
    source = disks.open_source(place(tmp_path))
    assert source is not None
    assert source.read().counters == {
        "machine_disk_read_bytes": 1024,
        "machine_disk_written_bytes": 2048,
        "machine_disk_busy_s": 0,
    }
    write(tmp_path / "proc" / "diskstats", table.format(2000))
    assert source.read().counters["machine_disk_busy_s"] == 0.5
    source.close()


def test_local_interfaces_do_not_count_as_network(tmp_path: Path) -> None:
    header = "Inter-|   Receive  |  Transmit\n face |bytes    packets errs drop|bytes    packets\n"
    row = "{:>6}: {} 175 0 0 0 0 0 0 {} 175 0 0 0 0 0 0\n"
    rows = [
        row.format("lo", 9, 9),
        row.format("docker0", 9, 9),
        row.format("eth0", 19, 31),
        row.format("ib0", 100, 200),
    ]
    write(tmp_path / "proc" / str(PID) / "net" / "dev", header + "".join(rows))
    source = network.open_source(place(tmp_path))
    assert source is not None
    assert source.read().counters == {"network_in_bytes": 119.0, "network_out_bytes": 231.0}
    source.close()


def test_limits_of_the_second_version_of_control_groups(tmp_path: Path) -> None:
    root = tmp_path / "sys" / "fs" / "cgroup"
    write(tmp_path / "proc" / str(PID) / "cgroup", "0::/pod/box\n")
    write(root / "pod" / "cpu.max", "400000 100000\n")
    write(root / "pod" / "box" / "cpu.max", "150000 100000\n")
    write(root / "pod" / "box" / "cpu.stat", "usage_usec 9\nnr_periods 40\nnr_throttled 10\nthrottled_usec 5000\n")
    write(root / "pod" / "memory.max", 4 * GB)
    write(root / "pod" / "memory.current", 3 * GB)
    write(root / "pod" / "memory.stat", f"anon 1\ninactive_file {GB}\n")
    write(root / "pod" / "box" / "memory.max", "max\n")
    source = groups.open_source(place(tmp_path))
    assert source is not None
    reading = source.read()
    assert reading.counters == {"quota_periods": 40, "throttled_periods": 10}
    assert reading.levels == {"group_memory_left_bytes": 2.0 * GB}
    system = described(source)
    assert (system.cpu_limit_cores, system.memory_limit_bytes) == (1.5, 4 * GB)


def test_limits_of_the_first_version_of_control_groups(tmp_path: Path) -> None:
    root = tmp_path / "sys" / "fs" / "cgroup"
    write(tmp_path / "proc" / str(PID) / "cgroup", "5:cpu,cpuacct:/a\n4:memory:/a\n0::/\n")
    write(root / "cpu,cpuacct" / "a" / "cpu.cfs_quota_us", 50000)
    write(root / "cpu,cpuacct" / "a" / "cpu.cfs_period_us", 100000)
    write(root / "cpu,cpuacct" / "a" / "cpu.stat", "nr_periods 4\nnr_throttled 1\nthrottled_time 7\n")
    write(root / "memory" / "a" / "memory.limit_in_bytes", GB)
    write(root / "memory" / "a" / "memory.usage_in_bytes", GB)
    write(root / "memory" / "a" / "memory.stat", f"total_inactive_file {GB // 2}\n")
    write(root / "memory" / "memory.limit_in_bytes", (1 << 63) - 4096)
    source = groups.open_source(place(tmp_path))
    assert source is not None
    reading = source.read()
    assert reading.counters == {"quota_periods": 4, "throttled_periods": 1}
    assert reading.levels == {"group_memory_left_bytes": GB / 2}
    assert described(source).cpu_limit_cores == 0.5


def test_a_process_without_limits(tmp_path: Path) -> None:
    write(tmp_path / "proc" / str(PID) / "cgroup", "0::/\n")
    write(tmp_path / "sys" / "fs" / "cgroup" / "cpu.max", "max 100000\n")
    assert groups.open_source(place(tmp_path)) is None


def test_clocks_against_the_highest(tmp_path: Path) -> None:
    for at, now in enumerate((800, 1600, 2400, 3200)):
        folder = tmp_path / "sys" / "devices" / "system" / "cpu" / f"cpu{at}"
        write(folder / "cpufreq" / "scaling_cur_freq", now * 1000)
        write(folder / "cpufreq" / "cpuinfo_max_freq", 3200000)
        write(folder / "thermal_throttle" / "package_throttle_total_time_ms", 1500)
    source = clocks.open_source(place(tmp_path, 2, 3))
    assert source is not None
    reading = source.read()
    assert (reading.levels, reading.counters) == ({"clock_share": 0.875}, {"heat_slowed_s": 1.5})
    source.close()


@pytest.mark.parametrize("module", [clocks, cores, disks, groups, memory, network, pressure, processes])
def test_a_source_without_files_is_none(module: object, tmp_path: Path) -> None:
    assert module.open_source(place(tmp_path)) is None  # type: ignore[attr-defined]


LINES = st.lists(
    st.text("0123456789 :().-\t", max_size=40)
    | st.text(max_size=12)
    | st.sampled_from(["cpu0", "some total=", "full total=x", "eth0: 1 "]),
    max_size=6,
)


@given(LINES.map(lambda lines: "\n".join(lines).encode("utf-8", "replace")) | st.binary(max_size=120))
def test_no_text_makes_a_parser_fail(data: bytes) -> None:
    cores.parse(data)
    disks.parse(data)
    network.parse(data)
    pressure.parse(data)
    processes.parse_stat(data)
    processes.parse_schedule(data)
    proc_stat.number_in(data, proc_stat.PARENT)
    dict(named_numbers(data))
    text = data.decode("utf-8", "replace")
    groups.cpu_limit(text)
    groups.memory_limit(text)
    assert all(value is None or value >= 0 for value in map(number, text.split()))


@given(st.integers(0, 2**63), st.integers(0, 2**63))
def test_numbers_are_read_as_they_are_written(user: int, pages: int) -> None:
    fields = ["S", "1", *["0"] * 9, str(user), *["0"] * 9, str(pages), "9"]
    usage = processes.parse_stat(f"40 (a b) {' '.join(fields)}".encode())
    assert usage is not None
    assert (usage.cpu_s, usage.rss_bytes) == (pytest.approx(user * TICK_S), pages * PAGE)
