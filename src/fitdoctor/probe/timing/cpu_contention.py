"""Tells how long this process waited for a core, and waits until it is quiet."""

from __future__ import annotations

from typing import Any

from fitdoctor.probe.support.originals import time

QUIET_SHARE = 0.2
"""Of one core: below this, no pipeline of ours is still filling a buffer."""
LOOK_S = 0.003
LONGEST_S = 0.25


def queue_s() -> float:
    """Seconds that the calling thread was ready to run and had no core, since it began; 0 where the system does not
    say.
    """
    try:
        with open("/proc/thread-self/schedstat", "rb") as file:
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def window(seconds: float, units: int, *, waited_s: float) -> dict[str, Any]:
    """What a window says of itself; `waited_s` is what `queue_s` said when it began."""
    return {"seconds": seconds, "units": units, "queue_s": max(0.0, queue_s() - waited_s)}


def wait_until_quiet() -> None:
    """Returns when the process computes nothing, or after a quarter of a second."""
    until_s = time.perf_counter() + LONGEST_S
    while time.perf_counter() < until_s:
        cpu_s, began_s = time.process_time(), time.perf_counter()
        time.sleep(LOOK_S)
        if time.process_time() - cpu_s < QUIET_SHARE * (time.perf_counter() - began_s):
            return
