"""Detects how many threads the script has chosen, and where, and how many cores it may use."""

from __future__ import annotations

import functools
import os
from dataclasses import asdict
from types import ModuleType
from typing import Any

from fitdoctor.changes.environment import INTER_OP, INTRA_OP
from fitdoctor.probe.support import call_sites, guard
from fitdoctor.probe.support.patches import Patches
from fitdoctor.recording.model import Site, ThreadSetting

OPENMP = "OMP_NUM_THREADS"
VARIABLES = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", OPENMP)
OPENMP_LIBRARIES = ("libiomp", "libgomp", "libomp")

_calls: dict[str, ThreadSetting] = {}
_assigned: dict[str, Site | None] = {}


def assigned() -> dict[str, dict[str, Any] | None]:
    """Returns the lines that assigned a variable so far, as plain data.

    A script that replaces itself by another Python hands them on.
    """
    return {name: asdict(site) if site is not None else None for name, site in _assigned.items()}


def take_over(before: dict[str, dict[str, Any] | None]) -> None:
    """Takes over the result of `assigned` in the Python before this one."""
    _assigned.update({name: Site(**site) if site is not None else None for name, site in before.items()})


def watch_environment() -> Patches:
    """Records the line that assigns one of the variables. `undo()` of the result ends that."""
    patches, kind = Patches(), type(os.environ)
    original: Any = kind.__setitem__

    def assign(self: Any, key: Any, value: Any) -> None:
        if key in VARIABLES and self is os.environ:
            _assigned[key] = guard.guarded(call_sites.find)
        original(self, key, value)

    patches.put(kind, "__setitem__", assign)
    return patches


def install(tensorflow: ModuleType) -> Patches:
    """Records the script's calls in `tf.config.threading`. `undo()` of the result ends that."""
    patches = Patches()
    for call in (INTRA_OP, INTER_OP):
        patches.put_call(tensorflow, call, functools.partial(_recorded, call))
    return patches


def _recorded(call: str, original: Any) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        guard.guarded(_record, call, (*args, *kwargs.values()))
        return result

    return wrapper


def _record(call: str, values: tuple[Any, ...]) -> None:
    value = next(iter(values), None)
    if isinstance(value, int):
        _calls[call] = ThreadSetting(name=call, value=value, site=call_sites.find())


def settings() -> list[ThreadSetting]:
    """Returns the numbers that were chosen so far.

    0 leaves the choice to TensorFlow, so it is not one. A variable that no loaded library reads is none either.
    """
    found = [setting for setting in _calls.values() if setting.value > 0]
    for name in VARIABLES:
        value = os.environ.get(name, "").strip()
        if value.isdecimal() and int(value) > 0 and (name != OPENMP or _has_openmp()):
            found.append(ThreadSetting(name=name, value=int(value), site=_assigned.get(name)))
    return found


def _has_openmp() -> bool:
    """Whether a runtime of OpenMP is loaded, or that is unknown. TensorFlow's own builds have none."""
    try:
        with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
            return any(library in line for line in file for library in OPENMP_LIBRARIES)
    except OSError:
        return True


def quota_cores(root: str = "/sys/fs/cgroup", groups: str = "/proc/self/cgroup") -> float | None:
    """Returns how many cores a container grants this process, or None where no limit is found."""
    limits = []
    try:
        with open(groups, encoding="utf-8") as file:
            paths = [line.strip().split(":", 2) for line in file]
    except OSError:
        return None
    for _, controllers, path in (parts for parts in paths if len(parts) == 3):
        if controllers == "":
            limits += [_second_version(folder) for folder in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            limits += [_first_version(folder) for folder in _upwards(os.path.join(root, "cpu"), path)]
    return min((limit for limit in limits if limit is not None), default=None)


def _upwards(root: str, path: str) -> list[str]:
    """Returns a group's folder and those around it. Each may set a limit."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [os.path.join(root, *parts[:count]) for count in range(len(parts), -1, -1)]


def _second_version(folder: str) -> float | None:
    words = _read(os.path.join(folder, "cpu.max")).split()
    return int(words[0]) / int(words[1]) if len(words) == 2 and words[0].isdecimal() and int(words[1]) > 0 else None


def _first_version(folder: str) -> float | None:
    quota, period = (
        _read(os.path.join(folder, "cpu.cfs_quota_us")).strip(),
        _read(os.path.join(folder, "cpu.cfs_period_us")).strip(),
    )
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) > 0 else None


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
