"""The folders of the control groups of a process, the innermost first. Each of them may set a limit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fitdoctor.system.kernel_files import read_text
from fitdoctor.system.source import Target


def second_version(place: Target) -> list[Path]:
    """The groups of version 2, wherever they are mounted. A container may see its own group as the root."""
    roots = [place.sys / "fs" / "cgroup", place.sys / "fs" / "cgroup" / "unified"]
    return [
        folder
        for controllers, path in _lines(place)
        if controllers == [""]
        for root in roots
        for folder in _upwards(root, path)
    ]


def first_version(place: Target, controller: str) -> list[Path]:
    """The groups of version 1, which has a tree for each controller."""
    root = place.sys / "fs" / "cgroup"
    found: list[Path] = []
    for controllers, path in _lines(place):
        if controller in controllers:
            found += [folder for name in (controller, ",".join(controllers)) for folder in _upwards(root / name, path)]
    return list(dict.fromkeys(found))


def _lines(place: Target) -> Iterator[tuple[list[str], str]]:
    for line in read_text(place.proc / str(place.process) / "cgroup").splitlines():
        parts = line.split(":", 2)
        if len(parts) == 3:
            yield parts[1].split(","), parts[2]


def _upwards(root: Path, path: str) -> list[Path]:
    inside = [part for part in path.split("/") if part not in ("", "..", ".") and "\0" not in part]
    folders = [root.joinpath(*inside[:count]) for count in range(len(inside), -1, -1)]
    return [folder for folder in folders if folder.is_dir()]
