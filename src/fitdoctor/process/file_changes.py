"""Files that children changed, made or left behind, found from outside."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path

from fitdoctor.process.change_lines import RUN_NAME, sentences
from fitdoctor.recording.run_roots import own_folders

LEFT_OUT = {".fitdoctor", ".git", "__pycache__", ".venv", "venv", "node_modules", ".mypy_cache", ".pytest_cache"}
MOST_FILES = 20_000
# The list of files that a child made, beside its record: see `probe/files/protection.py`.
MADE = "made.jsonl"
# More files than that, or larger ones, are data that the script downloaded or prepared. They stay, and are listed.
MOST_MADE = 100
MOST_MADE_BYTES = 1 << 20
# A lock that stays would block the real training, so it is always moved.
LOCKS = (".lock", ".lck", ".pid")
SHARED_MEMORY = "/dev/shm/"  # noqa: S108 - files of a child there are listed like all others
# Memory that processes of the child shared. It is useless once they have ended.
SEGMENTS = tuple(SHARED_MEMORY + name for name in ("psm_", "pym-", "sem.", "torch_"))

Tree = dict[str, tuple[int, int]]


def list_files(folders: list[Path]) -> Tree:
    """Lists the files below some folders with size and time of change, at most `MOST_FILES`."""
    found: Tree = {}
    ours, places = _our_outputs(), own_folders()
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
    """Returns whether a folder holds recordings, or is a run in a folder that also holds files of the user."""
    return os.path.join(root, name) in places or root in places and RUN_NAME.match(name) is not None


def _our_outputs() -> set[tuple[int, int]]:
    """Returns the identities of the files that our own stdout and stderr are redirected to."""
    ours = set()
    for descriptor in (1, 2):
        try:
            status = os.fstat(descriptor)
        except OSError:
            continue
        ours.add((status.st_dev, status.st_ino))
    return ours


def changed(before: Tree, after: Tree) -> list[str]:
    """Describes new, changed and deleted files, one sentence each."""
    found = [("new", path) for path in after if path not in before]
    found += [("changed", path) for path in after if path in before and before[path] != after[path]]
    found += [("deleted", path) for path in before if path not in after and not os.path.lexists(path)]
    return sentences(found)


def remove_made(listed: Path, keep: Path, before: Tree | None = None) -> list[str]:
    """Moves files that a child left behind out of the user's folders.

    A lock that stays would block the real training. Files are moved to a folder of ours on the same disk. Empty folders
    are removed, and so are segments of shared memory. What can't be moved stays. Call it after all processes of the
    child have ended.

    Args:
        listed: The list of the child, in the order in which it made the files: see `probe/files/made_files.py`.
        keep: The folder to which files are moved. It is made when needed.
        before: The files that existed before all children, from `list_files`. They are never moved.

    Returns:
        The paths that were moved or removed, in the order in which they were made.
    """
    moved: list[str] = []
    made = _listed(listed)
    for path, identity in reversed(made.items()):
        if len(made) > MOST_MADE and not path.endswith(LOCKS) and not path.startswith(SEGMENTS):
            continue
        try:
            status = os.lstat(path)
            if path in (before or {}) or identity != (status.st_dev, status.st_ino):  # replaced meanwhile
                continue
            if stat.S_ISREG(status.st_mode) and path.startswith(SEGMENTS):
                os.unlink(path)
                continue
            if stat.S_ISDIR(status.st_mode):
                os.rmdir(path)
            elif _is_small(status):
                keep.mkdir(parents=True, exist_ok=True)
                if path.startswith(SHARED_MEMORY):  # another file system: a rename fails
                    shutil.move(path, keep / f"{len(moved)}-{os.path.basename(path)}")
                    moved.append(path)
                    continue
                # Never a copy: a process that still writes to the file must keep writing to the same one.
                os.rename(path, keep / f"{len(moved)}-{os.path.basename(path)}")
            else:
                continue
        except (OSError, ValueError):
            continue
        moved.append(path)
    return moved[::-1]


def _is_small(status: os.stat_result) -> bool:
    """Returns whether it is a link, a pipe, a socket, or a small file."""
    mode = status.st_mode
    return (
        stat.S_ISLNK(mode)
        or stat.S_ISFIFO(mode)
        or stat.S_ISSOCK(mode)
        or (stat.S_ISREG(mode) and status.st_size <= MOST_MADE_BYTES)
    )


def _listed(path: Path) -> dict[str, tuple[int, int]]:
    """Reads the absolute paths of a list, with device and inode. The child may have cut its last line."""
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
