"""Measures how long this process waited for a core, and waits until the process is quiet."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.support.originals import time

# Below this share of one core, no input pipeline is still filling a buffer.
QUIET_SHARE = 0.2
# Length of one measurement of that share.
MEASURE_S = 0.003
# The process is waited for no longer than this.
LONGEST_S = 0.25


def queue_s() -> float:
    """Seconds that the calling thread was ready to run and had no core, since it began.

    It is 0 where the system does not report it.
    """
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def window(seconds: float, units: int, *, waited_s: float) -> dict[str, Any]:
    """Describes a timed window. `waited_s` is the value of `queue_s` when the window began."""
    return {"seconds": seconds, "units": units, "queue_s": max(0.0, queue_s() - waited_s)}


def wait_until_quiet() -> None:
    """Returns when the process computes nothing, or after a quarter of a second."""
    until_s = time.perf_counter() + LONGEST_S
    while time.perf_counter() < until_s:
        cpu_s, began_s = time.process_time(), time.perf_counter()
        time.sleep(MEASURE_S)
        if time.process_time() - cpu_s < QUIET_SHARE * (time.perf_counter() - began_s):
            return
