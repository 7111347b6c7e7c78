"""What the children changed on disk, seen from outside."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

from fitdoctor.recording.places import our_places
from fitdoctor.trials.change_lines import RUN_NAME, sentences

LEFT_OUT = {".fitdoctor", ".git", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache"}
MOST_FILES = 20_000
MADE = "made.jsonl"
"""The list of what a child made, beside its record: see `probe/files/protection.py`."""
MOST_MADE = 100
MOST_MADE_BYTES = 1 << 20
"""More files than that, or larger ones, are data that the script fetched or made ready:

they are left where they are, and listed.
"""
LOCKS = (".lock", ".lck", ".pid")
"""What would bar the real training goes in any case."""
SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - what a child made there is listed like all else
SEGMENTS = tuple(SHARED_MEMORY + name for name in ("psm_", "pym-", "sem.", "torch_"))
"""Memory that the child's processes shared. It holds nothing once they have ended."""

Tree = dict[str, tuple[int, int]]


def look(folders: list[Path]) -> Tree:
    """The files below some folders, with size and time of change. At most `MOST_FILES`: a data set may lie there."""
    found: Tree = {}
    ours, places = _our_outputs(), our_places()
    for folder in folders:
        for root, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in LEFT_OUT and not _is_ours(root, name, places)]
            for name in files:
                path = os.path.join(root, name)
                try:
                    status = os.stat(path)
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
    return os.path.join(root, name) in places or root in places and RUN_NAME.match(name) is not None


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


def remove_made(listed: Path, keep: Path, before: Tree | None = None) -> list[str]:
    """Moves files that a child made, and left behind when it was ended, out of the user's folders.

    A lock that is left behind would bar the real training. A file is moved to a folder of ours on the same disk. A
    folder goes only if it is empty, and what can't be moved stays. Only segments of shared memory are deleted. Call it
    when all processes of the child have ended.

    Args:
        listed: The child's list, in the order in which it made them: see `probe/files/made_files.py`. A missing one is
            empty.
        keep: A folder of ours to which they are moved; made when needed.
        before: What was there before all children, from `look`: that is never moved, whatever the list says.

    Returns:
        The paths that are gone from their places, in the order in which they were made.
    """
    moved: list[str] = []
    made = _listed(listed)
    for path, identity in reversed(made.items()):
        if len(made) > MOST_MADE and not path.endswith(LOCKS) and not path.startswith(SEGMENTS):
            continue
        try:
            status = os.lstat(path)
            if path in (before or {}) or identity != (status.st_dev, status.st_ino):  # somebody else's by now
                continue
            if stat.S_ISREG(status.st_mode) and path.startswith(SEGMENTS):
                os.unlink(path)
                continue
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(path)
            elif _is_small(status):
                keep.mkdir(parents=True, exist_ok=True)
                if path.startswith(SHARED_MEMORY):  # another disk, to which nothing can be renamed
                    shutil.move(path, keep / f"{len(moved)}-{os.path.basename(path)}")
                    moved.append(path)
                    continue
                # Never a copy: another process may be writing to it at this moment, and goes on doing so where it is
                # then.
                os.rename(path, keep / f"{len(moved)}-{os.path.basename(path)}")
            else:
                continue
        except (OSError, ValueError):
            continue
        moved.append(path)
    return moved[::-1]


def _is_small(status: os.stat_result) -> bool:
    """Whether it is a link, a pipe, a socket, or a small file."""
    mode = status.st_mode
    return (
        stat.S_ISLNK(mode)
        or stat.S_ISFIFO(mode)
        or stat.S_ISSOCK(mode)
        or (stat.S_ISREG(mode) and status.st_size <= MOST_MADE_BYTES)
    )


def _listed(path: Path) -> dict[str, tuple[int, int]]:
    """The paths of a list, with device and inode.

    The child wrote it: its last line may be cut, and only absolute paths count.
    """
    found: dict[str, tuple[int, int]] = {}
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return found
    for line in lines:
        try:
            name, *identity = json.loads(line)
        except (ValueError, TypeError):
            continue
        if not isinstance(name, str) or not os.path.isabs(name) or "\0" in name:
            continue
        found.pop(name, None)
        if len(identity) == 2 and all(isinstance(number, int) for number in identity):
            found[name] = (identity[0], identity[1])
    return found
