"""The content of a layer: what its process would have changed on disk."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator

from fitdoctor.process.layer import Overlay

# Folders whose files are no results.
CACHE_NAMES = frozenset({"__pycache__", ".cache"})
# A script may write a million files.
MOST_CHANGES = 20_000


def changes(overlays: Iterable[Overlay], left_out: Iterable[str]) -> list[tuple[str, str]]:
    """Returns the differences from the real files, as ("new" | "changed" | "deleted", path), at most `MOST_CHANGES`.

    Args:
        overlays: The folders under a layer.
        left_out: Folders whose changes are not reported.
    """
    found: list[tuple[str, str]] = []
    ignored = tuple(os.path.join(folder, "") for folder in left_out)
    for overlay in overlays:
        for kind, path in _below(overlay.upper, overlay.lower, overlay.path):
            if not f"{path}/".startswith(ignored):
                found.append((kind, path))
            if len(found) >= MOST_CHANGES:
                return found
    return found


def _below(upper: str, lower: str, path: str) -> Iterator[tuple[str, str]]:
    try:
        with os.scandir(upper) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in listed:
        real, shown = os.path.join(lower, entry.name), os.path.join(path, entry.name)
        status = entry.stat(follow_symlinks=False)
        if stat.S_ISCHR(status.st_mode) and status.st_rdev == 0:  # an overlay marks deleted files so
            yield "deleted", shown
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in CACHE_NAMES:
                yield from _folder(entry.path, real, shown)
        else:
            yield from _file(status, real, shown)


def _folder(upper: str, real: str, shown: str) -> Iterator[tuple[str, str]]:
    """Yields the changes in a folder, or the folder itself if it is new and the layer holds nothing in it."""
    found = False
    for change in _below(upper, real, shown):
        found = True
        yield change
    if not found and not os.path.lexists(real):
        yield "new", os.path.join(shown, "")


def _file(status: os.stat_result, real: str, shown: str) -> Iterator[tuple[str, str]]:
    try:
        before = os.lstat(real)
    except OSError:
        yield "new", shown
        return
    # A file that was only opened for writing is copied into the layer unchanged.
    if (status.st_mode, status.st_size, status.st_mtime_ns) != (before.st_mode, before.st_size, before.st_mtime_ns):
        yield "changed", shown
