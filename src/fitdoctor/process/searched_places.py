"""Finds what a layer can't replace: sockets, pipes, and files and folders of other users."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterable, Iterator

from fitdoctor.process.mount_table import MountTable

# Folders of the kernel: their devices and sockets can't be replaced, and hold no files of users.
KERNEL_FOLDERS = ("/proc", "/sys", "/dev")
# Folders of the system, in which nobody trains.
SYSTEM_FOLDERS = (
    *("/bin", "/boot", "/etc", "/lib", "/nix", "/run", "/sbin", "/snap", "/usr"),
    *("/var/cache", "/var/lib", "/var/log", "/var/spool"),
)
# Limits of the search: a temporary folder may hold a million entries.
SEARCHED_ENTRIES = 10_000
SEARCHED_DEPTH = 4
# Sockets that are bound into the layer at most.
MOST_SOCKETS = 500


def foreign(folders: Iterable[str]) -> str:
    """Returns a writable file or folder of another user or group below some folders; "" if there is none."""
    for entry in _searched(folders, SEARCHED_DEPTH):
        with contextlib.suppress(OSError):
            found = entry.stat(follow_symlinks=False)
            writable = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
            if writable and is_foreign(found) and os.access(entry.path, os.W_OK):
                return entry.path
    return ""


def is_foreign(found: os.stat_result) -> bool:
    """Returns whether it belongs to another user or group. In a user namespace, no layer can copy it."""
    return (found.st_uid, found.st_gid) != (os.getuid(), os.getgid())


def is_under(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder + "/") for folder in folders)


def entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []


def _searched(tops: Iterable[str], depth: int, *, only_foreign: bool = False) -> Iterator[os.DirEntry[str]]:
    """Yields entries of folders and their subfolders, level by level, at most `SEARCHED_ENTRIES`.

    Args:
        tops: The folders.
        depth: The number of levels.
        only_foreign: Whether to skip the content of this user's own folders.
    """
    left, level = SEARCHED_ENTRIES, list(tops)
    for _ in range(depth):
        deeper: list[str] = []
        for folder in level:
            for entry in entries(folder):
                left -= 1
                if left < 0:
                    return
                yield entry
                with contextlib.suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False) or entry.path in SYSTEM_FOLDERS:
                        continue
                    if not only_foreign or is_foreign(entry.stat(follow_symlinks=False)):
                        deeper.append(entry.path)
        level = deeper


def shared_folders(table: MountTable) -> Iterator[str]:
    """Yields writable folders below folders of other users, such as `/data/team/ann` or `/data/shared`."""
    tops = [
        entry.path
        for entry in entries("/")
        if entry.path not in SYSTEM_FOLDERS and not is_under(entry.path, KERNEL_FOLDERS)
    ]
    tops += [
        mount.path for mount in table.below("/") if not mount.is_kernel and not is_under(mount.path, KERNEL_FOLDERS)
    ]
    for entry in _searched(tops, SEARCHED_DEPTH, only_foreign=True):
        if entry.is_dir(follow_symlinks=False) and os.access(entry.path, os.W_OK):
            yield entry.path
    yield from (top for top in tops if os.access(top, os.W_OK))


def special_files(places: Iterable[str]) -> Iterator[str]:
    """Yields sockets that a process listens at, and pipes in likely places."""
    near: set[str] = set()
    with contextlib.suppress(OSError), open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as file:
        paths = {words[7] for line in file if len(words := line.rstrip("\n").split(maxsplit=7)) == 8}
        near = {os.path.basename(path) for path in paths if path[0] not in "/@"}
        for path in sorted(path for path in paths if path.startswith("/"))[:MOST_SOCKETS]:
            real = os.path.realpath(path)
            if not is_under(real, KERNEL_FOLDERS) and os.path.exists(real):
                yield real
    for entry in _searched(places, SEARCHED_DEPTH):
        with contextlib.suppress(OSError):
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) and entry.name in near:
                yield entry.path
