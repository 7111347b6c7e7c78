"""The memory of the machine: free memory, memory of files, and swapping."""

from __future__ import annotations

from fitdoctor.recording.model.system import System
from fitdoctor.system.kernel_files import KernelFile, named_numbers, open_if_there
from fitdoctor.system.processes import PAGE
from fitdoctor.system.source import Reading, Target

# Counters of /proc/vmstat, in pages. The last one counts pages of files that were dropped shortly before they were
# needed again.
PAGES = {b"pswpin": "swap_in_bytes", b"pswpout": "swap_out_bytes", b"workingset_refault_file": "file_reread_bytes"}
# Levels of /proc/meminfo, in kilobytes.
SIZES = {b"MemAvailable": "memory_left_bytes", b"Cached": "file_cache_bytes"}


def open_source(place: Target) -> Memory | None:
    sizes, pages = open_if_there(place.proc / "meminfo"), open_if_there(place.proc / "vmstat")
    return None if sizes is None and pages is None else Memory(sizes, pages)


class Memory:
    def __init__(self, sizes: KernelFile | None, pages: KernelFile | None) -> None:
        self._sizes, self._pages = sizes, pages
        self._known: dict[bytes, int] = {}

    def read(self) -> Reading:
        self._known = dict(named_numbers(self._sizes.whole())) if self._sizes is not None else {}
        moved = dict(named_numbers(self._pages.whole())) if self._pages is not None else {}
        known = self._known
        levels = {name: float(known[key] << 10) for key, name in SIZES.items() if key in known}
        if b"SwapTotal" in known and b"SwapFree" in known:
            levels["swap_used_bytes"] = float(max(0, known[b"SwapTotal"] - known[b"SwapFree"]) << 10)
        return Reading(
            counters={name: float(moved[key] * PAGE) for key, name in PAGES.items() if key in moved}, levels=levels
        )

    def describe(self, system: System) -> None:
        system.memory_bytes = self._known.get(b"MemTotal", 0) << 10
        system.swap_bytes = self._known.get(b"SwapTotal", 0) << 10

    def close(self) -> None:
        for file in (self._sizes, self._pages):
            if file is not None:
                file.close()
