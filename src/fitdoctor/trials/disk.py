"""What the children changed on disk, seen from outside."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from fitdoctor.recording.places import our_places

LEFT_OUT = {".fitdoctor", ".git", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache"}
MOST_FILES = 20_000
SHOWN = 50

_RUN = re.compile(r"\d{8}-\d{6}-")

Tree = dict[str, tuple[int, int]]


def look(folders: list[Path]) -> Tree:
    """The files below some folders, with size and time of change. At most `MOST_FILES`: a data set may lie there."""
    found: Tree = {}
    ours, places = _our_outputs(), our_places()
    for folder in folders:
        for root, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in LEFT_OUT and not _is_ours(root, name, places)]
            for name in files:
                path = os.path.join(root, name)  # noqa: PTH118 - one of twenty thousand
                try:
                    status = os.stat(path)  # noqa: PTH116
                except OSError:
                    continue
                if (status.st_dev, status.st_ino) in ours:
                    continue
                found[path] = (status.st_size, status.st_mtime_ns)
            if len(found) > MOST_FILES:
                return found
    return found


def _is_ours(root: str, name: str, places: set[str]) -> bool:
    """Whether a folder holds recordings, or is a run in a folder that the user keeps other files in as well."""
    return os.path.join(root, name) in places or root in places and _RUN.match(name) is not None  # noqa: PTH118 - one of many


def _our_outputs() -> set[tuple[int, int]]:
    """The files that our own stdout and stderr go to."""
    ours = set()
    for descriptor in (1, 2):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        ours.add((status.st_dev, status.st_ino))
    return ours


def changed(before: Tree, after: Tree) -> list[str]:
    """New, changed and deleted files, as sentences; named from the current directory where they lie below it."""
    found = [("new", path) for path in after if path not in before]
    found += [("changed", path) for path in after if path in before and before[path] != after[path]]
    found += [("deleted", path) for path in before if path not in after and not os.path.lexists(path)]
    return sentences(found)


def sentences(changes: Sequence[tuple[str, str]]) -> list[str]:
    """Changes of files as sentences, at most `SHOWN`; named from the current directory where they lie below it.

    Example:
        >>> sentences([("new", "/home/ann/project/model.keras")])
        ['new: model.keras']
    """
    here = os.path.join(os.getcwd(), "")  # noqa: PTH109, PTH118 - texts are cut, thousands of them
    lines = [f"{kind}: {path.removeprefix(here)}" for kind, path in changes]
    return lines[:SHOWN] + ([f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else [])
